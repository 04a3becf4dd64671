"""Sweeping: now and then each living task is asked who holds it, on its own loop, a few at a time.

Between two callbacks no task is half-way through anything, so reference counts mean what they say, and whatever
dies because of us dies in the thread where it lives. A slice is bounded in time, so that a hundred thousand tasks
make no stall of our own; how often one task is asked falls with its age.
"""

from __future__ import annotations

from typing import Any

from asyncwatch.config import Config
from asyncwatch.hooks import owners, waiting
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.cancellers import Cancellers
from asyncwatch.hooks.cancels import Cancels
from asyncwatch.hooks.lockers import Lockers
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.patience import Patience
from asyncwatch.hooks.pileups import Pileups
from asyncwatch.hooks.tasks import Ledger, Record, is_over
from asyncwatch.task_events import TaskOutlived, TaskUnheld

# A task that ends well before this age is nobody's trouble.
GRACE = 0.5
INTERVAL = 0.25
# The longest one slice may keep the loop, and how many records are at most visited between two looks at the clock.
SLICE = 0.0005
BATCH = 32
# Beyond this age a task is asked again at this interval.
RARELY = 32.0
MOST_SETTLED = 5.0


class Sweeper:
    """Walks the ledger for one loop."""

    def __init__(
        self, ledger: Ledger, state: LoopState, bus: Bus, lockers: Lockers, cancellers: Cancellers, config: Config
    ) -> None:
        self._ledger = ledger
        self._state = state
        self._bus = bus
        self._patience = Patience(ledger, state, bus, lockers, config.stuck_after)
        self._cancels = Cancels(state, bus, self._patience, cancellers, config.cancel_grace)
        self._pileups = Pileups(ledger, state, bus, config.pileup)
        # Before this age nobody is asked what it waits for.
        self._settled = min(config.stuck_after / 4, MOST_SETTLED)
        self._started = self._previous = bus.clock
        self._took = 0.0  # seconds from the first slice of the last sweep to its last
        self.said: dict[int, Record] = {}
        self._walk = ledger.walk()
        self._others = self.said, *self._cancels.known
        self.live = self._met = 0  # pending tasks, of the last sweep and of the one under way

    def __call__(self, loop: Any) -> None:
        """One slice; on the loop's thread, in a callback of ours."""
        now = self._bus.now()
        if not self._state.closing:
            self._pileups.step(loop, now)
        if not self._walk.left:
            # With many tasks a sweep takes long; then it rests for as long, and costs half.
            if now - self._started < max(INTERVAL, 2 * self._took):
                self._bus.busy = self._pileups.busy
                return
            self.live, self._met = self._met, 0
            if not self._ledger.records:
                self._bus.busy = self._pileups.busy
                return
            self._previous, self._started = self._started, now
            self._walk.rewind()
            self._ledger.forget_parents()
        end = now + SLICE
        numbers = self._started, self._started - self._previous, self._settled, GRACE, RARELY
        visits = 0
        while self._walk.left:
            key, brief, met = self._walk.pass_over(self._others, loop, *numbers)  # most of them, in C
            self._ledger.brief += brief
            self._met += met
            judged = key is None or self._visit(loop, key, now)
            visits += 1
            if (judged or visits % BATCH == 0) and self._bus.now() >= end:
                break
        self._took = now - self._started
        self._bus.busy = self.busy

    @property
    def busy(self) -> bool:
        """Whether a sweep is under way and wants another slice soon."""
        return self._walk.left or self._pileups.busy

    def _visit(self, loop: Any, key: int, now: float) -> bool:
        """Look at one record; True when its task had to be judged, which is dear."""
        record = self._ledger.records.get(key)
        if record is None:
            return False
        task = record()
        if task is None or (task.done() and not task._log_traceback):
            self._drop(key, record)
            return False
        if task.done() or task.get_loop() is not loop:
            return False
        self._met += 1
        judged = self._cancels.visit(key, record, task, now)
        if self._state.closing:
            return judged
        age = self._started - record.born
        if age >= self._settled:
            judged = self._patience.visit(record, task, now) or judged
        del task  # it would be a holder
        if age >= GRACE and _is_due(age, self._started - self._previous) and self.said.get(key) is not record:
            self._judge(key, record, age)
            return True
        return judged

    def _drop(self, key: int, record: Record) -> None:
        if self._ledger.records.get(key) is record:
            del self._ledger.records[key]
            if record.site is not None and record.site.discards and self.said.get(key) is not record:
                self._ledger.brief += 1
        self.said.pop(key, None)
        self._cancels.forget(key)

    def _judge(self, key: int, record: Record, age: float) -> None:
        parent_done = None if record.parent is None else is_over(record.parent)
        event: TaskUnheld | TaskOutlived | None = None
        if owners.is_unheld(record):
            event = self.unheld(record, age, parent_done, dying=False)
        elif parent_done:
            task = record()
            if not owners.will_be_heard(task):
                event = TaskOutlived(self._state.facts, self._ledger.facts(task), age, waiting.waits_at(task))
        if event is not None:
            self.said[key] = record
            self._bus.emit(event)

    def unheld(self, record: Record, age: float, parent_done: bool | None, *, dying: bool) -> TaskUnheld:
        """The event for a task that nothing holds."""
        task = record()
        discarded = (record.site is not None and record.site.discards) or owners.will_be_heard(task)
        dropper = record.site.dropper if record.site is not None else None
        facts, waits = self._ledger.facts(task), waiting.waits_at(task)
        return TaskUnheld(self._state.facts, facts, age, waits, discarded, parent_done, dying, dropper)


def _is_due(age: float, step: float) -> bool:
    """Whether a task of this age is to be asked in this sweep: at 0.5, 1, 2, 4 … 32 seconds, then every 32."""
    before = age - step
    mark = GRACE
    while mark < RARELY:
        if before < mark <= age:
            return True
        mark *= 2
    return int(before / RARELY) != int(age / RARELY)
