"""The end of a loop: which tasks were still pending when it was shut down, or closed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asyncwatch.events import TaskLeft
from asyncwatch.hooks import owners
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.sweep import Sweeper, is_over
from asyncwatch.hooks.tasks import Ledger, Record

PART = "hooks.shutdown"


class ShutdownTap:
    """Looks at the pending tasks before asyncio cancels them, and again before the loop is closed."""

    def __init__(self, bus: Bus, loops: Loops, ledger: Ledger) -> None:
        self._bus = bus
        self._loops = loops
        self._ledger = ledger

    def wrap_cancel_all(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        """The replacement for `asyncio.runners._cancel_all_tasks`."""

        @functools.wraps(original)
        def _cancel_all_tasks(loop: Any) -> None:
            left = tap._guarded(tap._before_cancel, loop) or []
            original(loop)
            tap._guarded(tap._after_cancel, loop, left)

        tap = self
        return _cancel_all_tasks

    def wrap_close(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        """The replacement for a loop class's `close`."""

        @functools.wraps(original)
        def close(self: Any) -> None:
            if not self.is_closed() and not self.is_running():
                tap._guarded(tap._before_close, self)
            original(self)

        tap = self
        return close

    def _guarded(self, function: Callable[..., Any], *args: Any) -> Any:
        if not self._bus.works(PART):
            return None
        try:
            return function(*args)
        except Exception as error:
            self._bus.fail(PART, error)
            return None

    def _pending(self, loop: Any) -> list[tuple[int, Record]]:
        found = []
        for key, record in list(self._ledger.records.items()):
            task = record()
            if task is not None and not task.done() and task.get_loop() is loop:
                found.append((key, record))
        return found

    def _before_cancel(self, loop: Any) -> list[tuple[Record, TaskLeft]]:
        state = self._loops.state(loop)
        if state is None:
            return []
        state.closing = True
        return [(record, self._left(state, key, record, closed=False)) for key, record in self._pending(loop)]

    def _left(self, state: LoopState, key: int, record: Record, *, closed: bool) -> TaskLeft:
        """What will be said of one pending task; that it was dropped or orphaned is said here if it never was."""
        sweeper = state.work
        reported = False
        if isinstance(sweeper, Sweeper):
            reported = sweeper.said.get(key) is record or self._dies_unheld(state, sweeper, record)
            if reported:
                sweeper.said[key] = record
        task = record()
        return TaskLeft(state.facts, self._ledger.facts(task), owners.waits_at(task), closed, reported)

    def _dies_unheld(self, state: LoopState, sweeper: Sweeper, record: Record) -> bool:
        """A task that is about to be cancelled by the shutdown: was it dropped, or outlived a parent that ended?

        The root task has just ended too, and what only its variables held is not held any more; that is no drop,
        so a statement that discards is asked for, or a parent that itself had one.
        """
        if not owners.is_unheld(record):
            return False
        discards = record.site is not None and record.site.discards
        parent = record.parent
        orphan = parent is not None and parent.parent is not None and is_over(parent)
        if not (discards or orphan):
            return False
        age = max(0.0, self._bus.clock - record.born)
        parent_done = None if parent is None else is_over(parent)
        return self._bus.emit(sweeper.unheld(record, age, parent_done, dying=True))

    def _after_cancel(self, loop: Any, left: list[tuple[Record, TaskLeft]]) -> None:
        for record, event in left:
            if is_over(record):
                self._bus.emit(event)

    def _before_close(self, loop: Any) -> None:
        state = self._loops.state(loop)
        if state is None:
            return
        state.closing = True
        for key, record in self._pending(loop):
            self._bus.emit(self._left(state, key, record, closed=True))
