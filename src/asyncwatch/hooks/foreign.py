"""Calls of a loop's methods that are not thread-safe from a thread that does not run the loop.

Debug mode asks at each `call_soon`, `call_later` and `call_at`; whatever schedules a callback comes by there: a new
task, a future that gets its result, a queue. asyncio's own loops ask in `_check_thread`, which is replaced by a check
of the same price. uvloop asks in C, so there those methods are wrapped, in profile debug only, and the error is heard
on its way to the caller. Outside debug mode nobody asks; then only a new task is looked at, where that costs nothing.
https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py#L855 (_check_thread)
https://github.com/MagicStack/uvloop/blob/v0.21.0/uvloop/loop.pyx#L699 (_check_thread)
"""

from __future__ import annotations

import functools
import sys
import threading
from asyncio import _get_running_loop
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from asyncwatch.env import OUR_THREADS
from asyncwatch.frames import PACKAGE, RawFrame
from asyncwatch.hooks import walks
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.hiding import hide_own_entry, hide_own_frames
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.stacks import MOST_FRAMES, inside, is_ours, is_outside, is_select, thread_name
from asyncwatch.resource_events import ForeignCall

PART = "hooks.foreign"
CODE = "AW401"
LIGHT = "create_task() only, called while the loop runs no task; every other call in debug mode alone"

# asyncio's words and uvloop's.
_REFUSED = "Non-thread-safe operation"


class ForeignCalls:
    """Hears of calls from the wrong thread."""

    def __init__(self, bus: Bus, loops: Loops) -> None:
        self._bus = bus
        self._loops = loops
        self._local = threading.local()

    def patch_class(self, patches: Patches, cls: Any, *, debug: bool) -> None:
        """Listen at one loop class."""
        if CODE not in self._bus.enabled:
            return
        if hasattr(cls, "_check_thread"):
            patches.set(cls, "_check_thread", self._wrap_check(cls._check_thread))
        elif debug:
            for name in ("call_soon", "call_later"):  # `call_at` calls `call_later`
                patches.set(cls, name, self._wrap_call(getattr(cls, name)))

    def _wrap_check(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        note = self._note

        @functools.wraps(original)
        def _check_thread(self: Any) -> None:
            if self._thread_id is None or self._thread_id == threading.get_ident():
                return
            note(self, sys._getframe(1), refused=True)
            try:
                original(self)
            except BaseException as error:
                hide_own_entry(error)
                raise

        return _check_thread

    @property
    def code(self) -> CodeType:
        """That of the replacements which stand before uvloop's methods."""
        return self._wrap_call(print).__code__

    def _wrap_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        note = self._note

        @functools.wraps(original)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                handle = original(self, *args, **kwargs)
            except BaseException as error:
                if type(error) is RuntimeError and str(error).startswith(_REFUSED):
                    note(self, sys._getframe(1), refused=True, method=original.__name__)
                hide_own_entry(error)
                raise
            if handle._source_traceback:
                hide_own_frames(handle._source_traceback)
            return handle

        return call

    def created(self, loop: Any) -> None:
        """A task was created in no task's step: perhaps in another thread. `create_task` lets `Ledger.parent` ask."""
        if _get_running_loop() is loop or not loop.is_running() or CODE not in self._bus.enabled:
            return
        # A loop that runs inside another one's callback, as some patches allow, has the same thread.
        if getattr(loop, "_thread_id", None) != threading.get_ident():
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and is_ours(frame):  # the replacement of `create_task` has one, or is C code
                frame = frame.f_back
            if frame is not None:
                self._note(loop, frame, refused=False, method="create_task")

    def took_back(self) -> bool:
        """Whether the task that dies now in this thread is one whose creation was just refused: that has been said."""
        refused, self._local.refused = getattr(self._local, "refused", False), False
        return refused

    def _note(self, loop: Any, frame: FrameType, *, refused: bool, method: str = "") -> None:
        if not self._bus.works(PART) or threading.get_ident() in OUR_THREADS:
            return
        try:
            state, running = self._loops.known(loop), _get_running_loop()
            own = self._loops.known(running) if running is not None else None
            frames, _ = inside(frame, None, own.base if own is not None else None)
            above = frame if method else frame.f_back
            self._local.refused = refused and above is not None and above.f_code.co_name == "create_task"
            self._bus.emit(
                ForeignCall(
                    state.facts if state is not None else None,
                    method or frame.f_code.co_name,
                    thread_name(threading.get_ident()),
                    tuple(frames),
                    self._meanwhile(loop, state),
                    refused,
                )
            )
        except Exception as error:
            self._bus.fail(PART, error)

    def _meanwhile(self, loop: Any, state: LoopState | None) -> tuple[RawFrame, ...]:
        """What the loop's own thread does now; nothing while it waits for something to do."""
        ident = getattr(loop, "_thread_id", None) or (state.ident if state is not None and state.pongs else 0)
        stack = walks.stack_of_thread(ident)[:MOST_FRAMES]
        base = state.base if state is not None else None
        depth = next((at for at, (code, lasti) in enumerate(stack) if is_outside(code, lasti, base)), 0)
        if depth and is_select(stack[0][0]):
            return ()
        return tuple(raw for raw in stack[:depth] if not raw[0].co_filename.startswith(PACKAGE))
