"""Async generators: where each is first iterated, and which are left to the collector or to the loop's shutdown.

A loop hands two of its own methods to `sys.set_asyncgen_hooks` while it runs; these are what is replaced, on the loop's
class, so hooks that the program sets itself are left alone. The interpreter calls the first when a generator is first
iterated, with the iterating frame above it, and the second instead of destroying one that is neither at its end nor
closed.
https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py#L558 (_asyncgen_finalizer_hook)
https://github.com/python/cpython/blob/3.13/Objects/genobject.c (async_gen_init_hooks, _PyGen_Finalize)
https://github.com/MagicStack/uvloop/blob/v0.21.0/uvloop/loop.pyx (_asyncgen_firstiter_hook)
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Callable
from types import AsyncGeneratorType, CodeType, FrameType
from typing import Any

from asyncwatch import env
from asyncwatch.coroutine_events import AsyncgenLate, AsyncgenLeft
from asyncwatch.events import TaskFacts
from asyncwatch.frames import RawFrame, Scope
from asyncwatch.hooks import twins
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.bytecode import name_at
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.shown import Shown
from asyncwatch.hooks.stacks import inside, is_ours
from asyncwatch.hooks.tables import items_of
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.hooks.ways import Ways, root_of

PART = "hooks.asyncgens"
_FIRST, _FINAL, _SHUTDOWN = "_asyncgen_firstiter_hook", "_asyncgen_finalizer_hook", "shutdown_asyncgens"
# Records of generators that are gone are thrown away when there are so many, and again when there are twice as many.
FEW = 512


# Where one generator was first iterated, a weak reference to it, its loop's id, and the frames around that place where
# it is not the program's own line.
Record = tuple[CodeType, int, "weakref.ref[Any]", int, tuple[RawFrame, ...]]


class AsyncgenTap:
    """Hears of async generators that nobody closed."""

    def __init__(self, bus: Bus, loops: Loops, ledger: Ledger, scope: Scope, shown: Shown) -> None:
        self._bus = bus
        self._loops = loops
        self._ledger = ledger
        self._scope = scope
        self._shown = shown
        self._current = env.current_task_getter()
        self._ways = Ways(tuple)  # from a library's frame that iterates to what is around it
        self._records: dict[int, Record] = {}
        self._room = FEW
        # Loops that have closed their generators, by id.
        self._over: dict[int, weakref.ref[Any]] = {}

    def patch(self, patches: Patches, cls: Any) -> None:
        """Replace a loop class's own hooks, if it has them, and nobody would judge in vain."""
        if "AW302" not in self._bus.enabled or not all(hasattr(cls, name) for name in (_FIRST, _FINAL, _SHUTDOWN)):
            return
        patches.set(cls, _FIRST, self.wrap_first(getattr(cls, _FIRST)))
        patches.set(cls, _FINAL, self.wrap_final(getattr(cls, _FINAL)))
        patches.set(cls, _SHUTDOWN, self.wrap_shutdown(getattr(cls, _SHUTDOWN)))

    def wrap_first(self, original: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        """The replacement for a loop class's `_asyncgen_firstiter_hook`: each generator pays for every line of it."""
        tap, records, over, ref, getframe = self, self._records, self._over, weakref.ref, sys._getframe
        apps = self._scope.known
        if twins.COMPILED is not None:
            given = original, records, over, apps, self._ways.steps, self._current, self._late, self._outer
            twin: Callable[[Any, Any], None] = twins.COMPILED.first_iterated(
                *given, functools.partial(self._bus.fail, PART)
            )
            return functools.update_wrapper(twin, original)

        @functools.wraps(original)
        def _asyncgen_firstiter_hook(self: Any, agen: Any) -> None:
            if over and tap._late(original, self, agen):
                return
            original(self, agen)
            try:
                frame = getframe(1)
                code = frame.f_code
                outer = () if apps.get(code.co_filename) else tap._outer(frame, self)
                records[id(agen)] = (code, frame.f_lasti, ref(agen), id(self), outer)
            except Exception as error:
                tap._bus.fail(PART, error)

        return _asyncgen_firstiter_hook

    def wrap_final(self, original: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        """The replacement for a loop class's `_asyncgen_finalizer_hook`."""

        @functools.wraps(original)
        def _asyncgen_finalizer_hook(self: Any, agen: Any) -> None:
            tap._bus.guarded(PART, tap._left, self, agen, "collector")
            original(self, agen)

        tap = self
        return _asyncgen_finalizer_hook

    def wrap_shutdown(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The replacement for a loop class's `shutdown_asyncgens`; the coroutine it returns is the original's."""

        @functools.wraps(original)
        def shutdown_asyncgens(self: Any) -> Any:
            tap._bus.guarded(PART, tap._shut_down, self)
            return original(self)

        tap = self
        marked = inspect.iscoroutinefunction(original)
        return env.mark_coroutine_function(shutdown_asyncgens) if marked else shutdown_asyncgens

    def _outer(self, frame: FrameType, loop: Any) -> tuple[RawFrame, ...]:
        """The frames around the iterating one, out to the program's own line; empty where that is the program's."""
        if self._scope.is_app(frame.f_code.co_filename):
            return ()
        task = self._current(loop)
        found: tuple[RawFrame, ...] | None = self._ways.find(frame, root_of(task))
        return found if found is not None else self._look_around(frame, task, loop)

    def _look_around(self, frame: FrameType, task: Any, loop: Any) -> tuple[RawFrame, ...]:
        state = self._loops.known(loop)
        step, root = inside(frame, task, state.base if state is not None else None)
        if root is None:
            return ()
        depth = next((depth for depth, (code, _) in enumerate(step) if self._scope.is_app(code.co_filename)), None)
        found = tuple(step[1 : depth + 1]) if depth is not None else ()
        end = root_of(task)
        last: FrameType | None = frame
        while last is not None and last is not root and (depth is None or last.f_code is not step[depth][0]):
            last = last.f_back
        # A callback's outermost frame is only an end when nobody calls it: that does not show in the frame.
        if last is not None and (depth is not None or last is end):
            self._ways.learn(frame, last, end, found)
        return found

    @property
    def crowded(self) -> bool:
        """Whether it is time to throw away the records of generators that are gone."""
        return len(self._records) > self._room

    def tidy(self) -> None:
        """Throw them away. Called by the thread that judges, while the loops' threads go on."""
        if not self.crowded:
            return
        for key, record in items_of(self._records):
            if record[2]() is None:
                found = self._records.pop(key, None)
                if found is not None and found is not record:
                    self._records.setdefault(key, found)  # a new generator was made at that address meanwhile
        self._room = max(FEW, 2 * len(self._records))

    def _left(self, loop: Any, agen: Any, left_to: str) -> None:
        record = self._records.pop(id(agen), None)
        frame = agen.ag_frame if type(agen) is AsyncGeneratorType else None
        if frame is None or not _has_begun(frame):
            return
        if record is not None and record[2]() not in (None, agen):
            record = None
        state = self._loops.state(loop)
        closed = loop.is_closed()
        iterated = () if record is None else (record[:2], *record[4])
        self._bus.emit(
            AsyncgenLeft(
                state.facts if state else None,
                str(agen.__qualname__)[:300],
                iterated,
                (frame.f_code, frame.f_lasti),
                "nobody" if closed else left_to,
                (state is not None and state.closing) or self._is_over(loop),
            )
        )

    def _shut_down(self, loop: Any) -> None:
        """Generators of this loop that are open when somebody closes them all."""
        for key in [key for key, ref in items_of(self._over) if ref() is None]:
            del self._over[key]
        self._over[id(loop)] = weakref.ref(loop)
        for ref in [one[2] for one in list(self._records.values()) if one[3] == id(loop)]:
            agen = ref()
            if agen is not None and agen.ag_frame is not None and not agen.ag_running:
                self._left(loop, agen, "shutdown")

    def _is_over(self, loop: Any) -> bool:
        ref = self._over.get(id(loop))
        return ref is not None and ref() is loop

    def _late(self, original: Callable[[Any, Any], None], loop: Any, agen: Any) -> bool:
        """A first iteration when the loop has closed all generators, of which it warns. Whether this was such a one."""
        if not self._is_over(loop) or not self._bus.works(PART):
            return False
        taken = self._bus.guarded(PART, self._say_late, loop, agen, _callers_frame()) or False
        before = self._shown.hide(taken)
        try:
            original(loop, agen)
        finally:
            self._shown.hide(before)
        return True

    def _say_late(self, loop: Any, agen: Any, frame: FrameType) -> bool:
        state, task = self._loops.state(loop), self._current(loop)
        facts: TaskFacts | None = self._ledger.facts(task) if task is not None else None
        iterated = ((frame.f_code, frame.f_lasti), *self._outer(frame, loop))
        name = str(agen.__qualname__)[:300]
        return self._bus.emit(AsyncgenLate(state.facts if state else None, name, iterated, (agen.ag_code, 0), facts))


def _callers_frame() -> FrameType | None:
    """The frame of the program that the interpreter has called our hook from; the hook has one, or is C code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame):
        frame = frame.f_back
    return frame


def _has_begun(frame: FrameType) -> bool:
    """Whether some of the generator's body has run, and not all of it: then it stands at a `yield` or an `await`."""
    return name_at(frame.f_code, frame.f_lasti).startswith(("YIELD", "RESUME", "SEND"))
