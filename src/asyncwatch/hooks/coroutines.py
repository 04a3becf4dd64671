"""Coroutines that were dropped without ever running: heard from the interpreter's own warning.

The interpreter calls `warnings._warn_unawaited_coroutine` from the coroutine's destructor, on the line that dropped
it. The replacement says the same words through the same `warnings.warn`, one frame deep, so that filters, the
registry and `-W error` see what they would have seen.
https://github.com/python/cpython/blob/3.12/Python/_warnings.c (_PyErr_WarnUnawaitedCoroutine)
"""

from __future__ import annotations

import sys
import threading
import warnings
from asyncio import _get_running_loop
from typing import Any

from asyncwatch import env
from asyncwatch.events import CoroutineDropped, TaskFacts
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.stacks import inside
from asyncwatch.hooks.taps import Unraisable
from asyncwatch.hooks.tasks import Ledger

PART = "hooks.coroutines"


class CoroutineTap:
    """Hears of coroutines that were never awaited."""

    def __init__(
        self, bus: Bus, loops: Loops, ledger: Ledger, unraisable: Unraisable, collector: Collector
    ) -> None:
        self._bus = bus
        self._loops = loops
        self._ledger = ledger
        self._unraisable = unraisable
        self._current = env.current_task_getter()
        self._local = threading.local()
        self._collector = collector

    def install(self, patches: Patches) -> None:
        patches.set(warnings, "_warn_unawaited_coroutine", self.warn)
        self._show = warnings._showwarnmsg_impl  # type: ignore[attr-defined]
        patches.set(warnings, "_showwarnmsg_impl", self.show)

    def warn(self, coro: Any) -> None:
        """What the interpreter calls; the frame above it is the one that dropped the coroutine."""
        taken = self._taken(coro)
        message = _standard_message(coro)
        self._local.taken = taken
        try:
            warnings.warn(message, RuntimeWarning, stacklevel=2, source=coro)
        except Warning as error:
            if taken:
                self._unraisable.expect(error)
            raise
        finally:
            self._local.taken = False

    def show(self, message: Any) -> None:
        """What `warnings` calls to put a warning on stderr, unless the program replaced that."""
        if getattr(self._local, "taken", False) and not _is_recorded():
            return
        self._show(message)

    def _taken(self, coro: Any) -> bool:
        if not self._bus.works(PART) or "AW301" not in self._bus.enabled:
            return False
        try:
            return self._bus.emit(self._event(coro))
        except Exception as error:
            self._bus.fail(PART, error)
            return False

    def _event(self, coro: Any) -> CoroutineDropped:
        loop = _get_running_loop()
        state = self._loops.state(loop) if loop is not None else None
        task = self._current(loop) if loop is not None else None
        dropped: list[RawFrame] = []
        if not self._collector.collecting:  # the collector runs at any line; that line dropped nothing
            frames, root = inside(sys._getframe(1), task, state.base if state else None)
            dropped = frames if root is not None or loop is None else []
        facts: TaskFacts | None = self._ledger.facts(task) if task is not None else None
        return CoroutineDropped(
            state.facts if state else None,
            str(coro.__qualname__)[:300],
            (coro.cr_code, 0),
            tuple(coro.cr_origin or ()),
            tuple(dropped),
            facts,
        )


def _is_recorded() -> bool:
    """Whether a context-aware `catch_warnings(record=True)` is listening (3.14 and later)."""
    context = getattr(warnings, "_get_context", None)
    return context is not None and getattr(context(), "log", None) is not None


def _standard_message(coro: Any) -> str:
    """The interpreter's own words. https://github.com/python/cpython/blob/3.12/Lib/warnings.py#L603"""
    text = f"coroutine '{coro.__qualname__}' was never awaited\n"
    if coro.cr_origin is not None:
        import linecache
        import traceback

        lines = [(file, line, name, linecache.getline(file, line)) for file, line, name in reversed(coro.cr_origin)]
        text += "Coroutine created at (most recent call last)\n" + "".join(traceback.format_list(lines))
    return text.rstrip("\n")
