"""The end of a loop: which tasks were still pending when it was shut down, or closed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asyncwatch.hooks import owners, waiting
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.sweep import Sweeper
from asyncwatch.hooks.tables import items_of
from asyncwatch.hooks.tasks import Ledger, Record, is_over
from asyncwatch.task_events import TaskLeft

PART = "hooks.shutdown"


class ShutdownTap:
    """Looks at the pending tasks when somebody is about to cancel them all, and before the loop is closed.

    `asyncio.run()`, uvloop, uvicorn, aiohttp and others shut a loop down in the same way, each in a copy of its own:
    `all_tasks(loop)` of a loop that has stopped, `cancel()` of each, and a last run. Asking for the tasks is what can
    be seen; that they were cancelled is checked when that last run begins.
    https://github.com/python/cpython/blob/3.12/Lib/asyncio/runners.py#L199 (_cancel_all_tasks)
    """

    def __init__(self, bus: Bus, loops: Loops, ledger: Ledger) -> None:
        self._bus = bus
        self._loops = loops
        self._ledger = ledger
        # Told of a loop that is about to be closed.
        self.closing: Callable[[Any], None] = lambda loop: None

    def wrap_all_tasks(self, original: Callable[..., set[Any]]) -> Callable[..., set[Any]]:
        """The replacement for `asyncio.all_tasks`."""

        @functools.wraps(original)
        def all_tasks(loop: Any = None) -> set[Any]:
            if loop is not None:
                tap._bus.guarded(PART, tap._asked, loop)
            return original(loop)

        tap = self
        return all_tasks

    def wrap_close(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        """The replacement for a loop class's `close`."""

        @functools.wraps(original)
        def close(self: Any) -> None:
            if not self.is_closed() and not self.is_running():
                tap._bus.guarded(PART, tap._before_close, self)
                tap.closing(self)
            original(self)

        tap = self
        return close

    def left_open(self, state: LoopState) -> None:
        """The program has ended; a loop that nobody closed has tasks that nobody will run."""
        loop = state.ref()
        if loop is not None and not loop.is_closed() and not loop.is_running():
            self._bus.guarded(PART, self._left_open, state, loop)

    def _left_open(self, state: LoopState, loop: Any) -> None:
        for key, record in self._pending(loop):
            unheld = owners.is_unheld(record)
            said = self._bus.emit(self._left(state, key, record, how="open", unheld=unheld))
            task = record()
            if said and task is not None:
                task._log_destroy_pending = False  # or the interpreter says the same when it is gone and we are, too

    def _pending(self, loop: Any) -> list[tuple[int, Record]]:
        found = []
        for key, record in items_of(self._ledger.records):
            task = record()
            if task is not None and not task.done() and task.get_loop() is loop:
                found.append((key, record))
        return found

    def _asked(self, loop: Any) -> None:
        """Somebody asked for all tasks of a loop that stands still: perhaps to cancel them."""
        state = self._loops.known(loop)
        if state is None or state.closing or loop.is_running() or loop.is_closed():
            return
        # Whoever asks is about to hold them all: who held them before can only be told now.
        pending = [(key, record, owners.is_unheld(record)) for key, record in self._pending(loop)]
        if pending:
            loop.call_soon(functools.partial(self._bus.guarded, PART, self._runs_again, state, pending))

    def _runs_again(self, state: LoopState, pending: list[tuple[int, Record, bool]]) -> None:
        """The last run begins; those of the tasks that were cancelled are what the shutdown met."""
        for key, record, unheld in pending:
            task = record()
            if task is not None and not task.done() and task.cancelling():
                state.closing = True
                state.left.append((record, self._left(state, key, record, how="cancelled", unheld=unheld)))

    def _left(self, state: LoopState, key: int, record: Record, *, how: str, unheld: bool) -> TaskLeft:
        """What will be said of one pending task; that it was dropped or orphaned is said here if it never was."""
        sweeper = state.work
        reported = False
        if isinstance(sweeper, Sweeper):
            reported = sweeper.said.get(key) is record
            if not reported and unheld:
                reported = self._dies_unheld(sweeper, record)
            if reported:
                sweeper.said[key] = record
        task = record()
        return TaskLeft(state.facts, self._ledger.facts(task), waiting.waits_at(task), how, reported)

    def _dies_unheld(self, sweeper: Sweeper, record: Record) -> bool:
        """An unheld task that the shutdown meets: was it dropped, or did it outlive a parent that ended before?

        The root task has just ended too, and what only its variables held is not held any more; that is no drop,
        so a statement that discards is asked for, or a parent that itself had one.
        """
        discards = record.site is not None and record.site.discards
        parent = record.parent
        orphan = parent is not None and not parent.root and is_over(parent)
        if not (discards or orphan):
            return False
        age = max(0.0, self._bus.clock - record.born)
        parent_done = None if parent is None else is_over(parent)
        return self._bus.emit(sweeper.unheld(record, age, parent_done, dying=True))

    def _before_close(self, loop: Any) -> None:
        state = self._loops.state(loop)
        if state is None:
            return
        state.closing = True
        for record, event in state.left:
            if is_over(record):
                self._bus.emit(event)
        for key, record in self._pending(loop):
            unheld = owners.is_unheld(record)
            if self._bus.emit(self._left(state, key, record, how="closed", unheld=unheld)):
                self._ledger.left[key] = record
