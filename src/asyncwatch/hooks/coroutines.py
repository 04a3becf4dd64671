"""Coroutines that were dropped without ever running: heard from the interpreter's own warning.

The interpreter calls `warnings._warn_unawaited_coroutine` from the coroutine's destructor, on the line that dropped
it. The replacement says the same words through the same `warnings.warn`, one frame deep, so that filters, the
registry and `-W error` see what they would have seen.
https://github.com/python/cpython/blob/3.12/Python/_warnings.c (_PyErr_WarnUnawaitedCoroutine)

Nothing happens when a coroutine is made. Where one that was dropped had been made is looked for later, by the thread
that judges.
"""

from __future__ import annotations

import sys
import warnings
from asyncio import _get_running_loop
from collections import deque
from typing import Any

from asyncwatch import env, plain
from asyncwatch.coroutine_events import CoroutineDropped
from asyncwatch.events import Event, TaskFacts
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.bus import CAPACITY, Bus
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.functions import Book, Functions
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.origins import Dropped, Origin, Search
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.shown import Shown
from asyncwatch.hooks.stacks import inside
from asyncwatch.hooks.taps import Unraisable
from asyncwatch.hooks.tasks import Ledger

PART = "hooks.coroutines"
# Drops that wait to be looked into; of a flood the rest is said without.
MOST_WAITING = CAPACITY
# Answers remembered, by what was dropped and where.
MOST_KNOWN = 1_000


class CoroutineTap:
    """Hears of coroutines that were never awaited."""

    def __init__(
        self,
        bus: Bus,
        loops: Loops,
        ledger: Ledger,
        unraisable: Unraisable,
        collector: Collector,
        shown: Shown,
        book: Book,
    ) -> None:
        self._bus = bus
        self._loops = loops
        self._ledger = ledger
        self._unraisable = unraisable
        self._current = env.current_task_getter()
        self._collector = collector
        self._shown = shown
        self._book = book
        self._functions: Functions | None = None
        self._known: dict[tuple[Dropped, int], Origin] = {}
        self.waiting: deque[tuple[CoroutineDropped, Dropped]] = deque()
        self._settled: dict[int, tuple[Event, Event]] = {}

    def install(self, patches: Patches) -> None:
        patches.set(warnings, "_warn_unawaited_coroutine", self.warn)

    def warn(self, coro: Any) -> None:
        """What the interpreter calls; the frame above it is the one that dropped the coroutine."""
        taken = self._taken(coro)
        message = _standard_message(coro)
        before = self._shown.hide(taken)
        try:
            warnings.warn(message, RuntimeWarning, stacklevel=2, source=coro)
        except Warning as error:
            if taken:
                self._unraisable.expect(error)
            raise
        finally:
            self._shown.hide(before)

    def _taken(self, coro: Any) -> bool:
        if not self._bus.works(PART) or "AW301" not in self._bus.enabled:
            return False
        try:
            dropper = sys._getframe(2)
            place = (
                id(coro.cr_code),
                id(dropper.f_code),
                dropper.f_lasti,
                coro.cr_origin,
                self._collector.collecting_here,
            )
            if self._bus.again(place):
                return True
            event, dropped = self._seen(coro)
            if event.origin or len(self.waiting) >= MOST_WAITING:
                return self._bus.emit_at(place, event)
            self._bus.note(place, event)
            self.waiting.append((event, dropped))
        except Exception as error:
            self._bus.fail(PART, error)
            return False
        return True

    def _seen(self, coro: Any) -> tuple[CoroutineDropped, Dropped]:
        loop = _get_running_loop()
        state = self._loops.state(loop) if loop is not None else None
        task = self._current(loop) if loop is not None else None
        stack: list[RawFrame] = []
        ended = None
        if not self._collector.collecting_here:  # the collector runs at any line; that line dropped nothing
            frames, root = inside(sys._getframe(2), task, state.base if state else None)
            stack = frames if root is not None or loop is None else []
            ended = getattr(env.coro_of(task), "cr_code", None) if task is not None and not stack else None
        facts: TaskFacts | None = self._ledger.facts(task) if task is not None else None
        name, code, loop_facts = str(coro.__qualname__)[:300], coro.cr_code, state.facts if state else None
        origin = tuple(coro.cr_origin or ())
        event = CoroutineDropped(loop_facts, name, (code, 0), origin, tuple(stack), facts)
        return event, Dropped(str(coro.__name__)[:300], name, code, tuple(stack), ended)

    def settle(self) -> None:
        """Look for where those that wait were created, and hand them over. Called by the thread that judges."""
        groups: dict[Dropped, list[CoroutineDropped]] = {}
        while self.waiting:
            event, dropped = self.waiting.popleft()
            groups.setdefault(dropped, []).append(event)
        for dropped, events in groups.items():
            origin = self._origin(dropped, len(events))
            for number, event in enumerate(events):
                placed = event if origin is None else _placed(event, origin, number)
                self._settled[id(event)] = event, placed
                self._bus.emit(placed)
        if self._settled:
            self._bus.replace(self._settled)
        if not groups or len(self._settled) > MOST_WAITING:
            self._settled.clear()  # what the watcher was just about to tell of them has come by now

    def _origin(self, dropped: Dropped, times: int) -> Origin | None:
        if not self._bus.works(PART):
            return None
        try:
            functions = self._book.functions(dropped.code)
            if functions is not self._functions or len(self._known) >= MOST_KNOWN:
                self._functions = functions
                self._known.clear()
            found = self._known.get((dropped, times))
            if found is None:
                found = self._known[(dropped, times)] = Search(dropped, functions, times).origin()
        except Exception as error:
            self._bus.fail(PART, error)
            return None
        return found


def _placed(event: CoroutineDropped, origin: Origin, number: int) -> CoroutineDropped:
    """The event with what was found; of several that were dropped together each has a place of its own."""
    created = origin.created[number % len(origin.created)] if origin.created else ()
    definition = (origin.definition, 0)
    return plain.replace(event, definition=definition, created=created, candidates=origin.candidates)


def _standard_message(coro: Any) -> str:
    """The interpreter's own words. https://github.com/python/cpython/blob/3.12/Lib/warnings.py#L603"""
    text = f"coroutine '{coro.__qualname__}' was never awaited\n"
    if coro.cr_origin is not None:
        import linecache
        import traceback

        lines = [(file, line, name, linecache.getline(file, line)) for file, line, name in reversed(coro.cr_origin)]
        text += "Coroutine created at (most recent call last)\n" + "".join(traceback.format_list(lines))
    return text.rstrip("\n")
