"""Tasks that stand at one await for long: stuck, or proven to wait for ever. Part of the sweep, on the loop's thread.

A wait is known by the future it is for; a weak reference to that tells it from the next one at the same line.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from typing import Any

from asyncwatch.hooks import cycles, forever, hearers, timeouts, waiting
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.lockers import Lockers
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.reach import unreachable
from asyncwatch.hooks.tasks import Ledger, Record
from asyncwatch.task_events import Standing, TaskDeadlocked, TaskStuck

# What waits so is no trouble, however long; or its trouble is told of those it waits for.
_NEVER_STUCK = frozenset({"sleep", "tasks", "server"})
# A wait whose end nobody but the program's own objects can bring about.
_PROVABLE = frozenset({"event", "queue", "join", "condition", "semaphore", "barrier", "lock", "future"})
# A task that holds a lock and stands at one of these is the one to look at, not who waits for the lock.
_WARNED = frozenset({"lock", "semaphore", "executor", "barrier", "future"})
# The reckoning of what can be reached stops the loop for milliseconds: not more often than this, in seconds.
RECKON_EVERY = 1.0
MOST_RECKONED = 100
MOST_MEMBERS = 20
MOST_LONG = 1_000


class Patience:
    """Judges each long wait once, and again when it has lasted twice as long."""

    def __init__(self, ledger: Ledger, state: LoopState, bus: Bus, lockers: Lockers, stuck_after: float) -> None:
        self._ledger = ledger
        self._state = state
        self._bus = bus
        self._lockers = lockers
        self._after = stuck_after
        self._rest = min(RECKON_EVERY, stuck_after / 4)
        self._reckoned_at = -math.inf
        self._now = self._due = -math.inf
        self._told: dict[int, weakref.ref[Any] | None] = {}  # the waits that were called stuck
        self._alive: dict[int, Record] = {}  # those of the last reckoning that something can still wake
        self._long: dict[int, Record] = {}  # those that have waited long, so that they can be reckoned with

    def visit(self, record: Record, task: Any, now: float) -> bool:
        """Look at one pending task; True when it had to be judged, which is dear."""
        future = task._fut_waiter
        waits = getattr(record, "waits", None)
        if future is None or waits is None or waits() is not future:
            if now != self._now:  # numbers that all records of a slice share
                self._now, self._due = now, now + self._after
            self._waits_for(record, future, self._now, self._due)
            return False
        if now < record.due:
            return False
        del future  # it would be a holder
        if self._long.get(id(record)) is not record:
            # Whoever began to wait at the same moment is to be there when it is judged.
            if len(self._long) >= MOST_LONG:
                self._long.clear()
            self._long[id(record)] = record
            record.due = now + self._rest
            return False
        record.due = now + max(self._after, now - record.since)
        self._judge(record, task, now)
        return True

    def _waits_for(self, record: Record, future: Any, since: float, due: float) -> None:
        try:
            record.waits = None if future is None else self._ledger.refer(future)
        except TypeError:
            record.waits = None  # a future of the program's own making
        record.since, record.due = since, due

    def _judge(self, record: Record, task: Any, now: float) -> None:
        wait = waiting.wait_of(task)
        if wait is None or forever.on_purpose(task, wait, self._state, root=record.parent is None):
            _put_off(record, math.inf)
            return
        if self._in_cycle(record, task, now):
            return
        if wait.kind in _NEVER_STUCK:
            _put_off(record, now + self._after if wait.kind == "tasks" else math.inf)
            return
        if timeouts.is_limited(task):
            return
        if "AW207" in self._bus.enabled and wait.kind in _PROVABLE:
            del wait
            if self._alive.get(id(record)) is not record:
                if now - self._reckoned_at < self._rest:
                    _put_off(record, now)  # first the proof, at the next sweep
                    return
                self._reckoned_at = now
                if self._reckon(record, now):
                    return
            self._alive.pop(id(record), None)  # it holds for this time
        self._stuck(record, task, now)

    # -- deadlocks --

    def _in_cycle(self, record: Record, task: Any, now: float) -> bool:
        if "AW207" not in self._bus.enabled:
            return False
        found = cycles.cycle_of(task, self._lockers.owner, self._pending)
        if not found or any(timeouts.is_limited(member) for member in found):
            return False
        members = tuple(self.standing(member) for member in found[:MOST_MEMBERS])
        for member in found:
            known = self._ledger.record_of(member)
            if known is not None:
                _put_off(known, math.inf)
        _put_off(record, math.inf)
        waited = now - _since(record, now)
        self._bus.emit(TaskDeadlocked(self._state.facts, members[0], waited, True, members, len(found)))
        return True

    def _pending(self) -> Iterator[Any]:
        """Tasks of this loop, the newest; not all of very many."""
        loop = self._state.ref()
        for record in list(self._ledger.records.values())[-MOST_LONG:]:
            task = record()
            if task is not None and not task.done() and task.get_loop() is loop:
                yield task

    def _reckon(self, record: Record, now: float) -> bool:
        """Whether nothing alive can wake this task; others of which that is proven by the way are told as well."""
        asked, tasks, targets, kept = [], [], [], []
        for one in [record, *(other for other in list(self._long.values()) if other is not record)]:
            task = one()
            if task is None or task.done() or not self._still_waits(one, task):
                continue
            wait = waiting.wait_of(task)
            if wait is not None and wait.kind in _PROVABLE and not timeouts.is_limited(task):
                asked.append(one)
                tasks.append(task)
                targets.append(wait.target)
                kept.append((_since(one, now), _due(one)))
                one.waits = None  # a weak reference is a way to it, and ours must not count
            del wait
            if len(tasks) >= MOST_RECKONED:
                break
        dead, objects = unreachable(tasks, targets)
        for one, task, (since, due) in zip(asked, tasks, kept, strict=True):
            self._waits_for(one, task._fut_waiter, since, due)
        self._alive = {id(one): one for number, one in enumerate(asked) if number not in dead}
        for number in sorted(dead):
            if _due(asked[number]) < math.inf and not self._in_cycle(asked[number], tasks[number], now):
                self._dead(asked[number], [tasks[other] for other in dead if other != number], now, objects)
        return _due(record) == math.inf

    def _still_waits(self, record: Record, task: Any) -> bool:
        waits = record.waits
        return waits is not None and task._fut_waiter is not None and waits() is task._fut_waiter

    def _dead(self, record: Record, others: list[Any], now: float, objects: int) -> None:
        task = record()
        wait = waiting.wait_of(task)
        if wait is None or forever.on_purpose(task, wait, self._state, root=record.parent is None):
            _put_off(record, math.inf)
            return
        if forever.made_in_place(task, wait):
            return  # stuck, perhaps on purpose
        _put_off(record, math.inf)
        same = [other for other in others if (its := waiting.wait_of(other)) and its.target is wait.target]
        members = tuple(self.standing(member) for member in [task, *same][:MOST_MEMBERS])
        waited = now - _since(record, now)
        self._bus.emit(TaskDeadlocked(self._state.facts, members[0], waited, False, members, objects))

    # -- stuck --

    def _stuck(self, record: Record, task: Any, now: float) -> None:
        told = self._told.get(id(record))
        if (told is not None and told() is task._fut_waiter) or "AW206" not in self._bus.enabled:
            return
        if len(self._told) >= MOST_LONG:
            self._told.clear()
        self._told[id(record)] = record.waits
        wait = waiting.wait_of(task)
        owner = self._lockers.owner(wait.target) if wait is not None and wait.kind == "lock" else None
        if owner is not None and owner is not task and self._waits_as_well(owner):
            return  # of those that wait for each other the innermost is the one to look at
        chain: list[Standing] = []
        above = next((one.task for one in hearers.waiters(task)), None)
        while above is not None and above is not task and len(chain) < MOST_MEMBERS:
            chain.append(self.standing(above))
            above = next((one.task for one in hearers.waiters(above)), None)
        self._bus.emit(
            TaskStuck(
                self._state.facts,
                self.standing(task),
                now - _since(record, now),
                tuple(reversed(chain)),
                self.standing(owner) if owner is not None and owner is not task else None,
            )
        )

    def _waits_as_well(self, task: Any) -> bool:
        """Whether this task is told itself, or will be, for the wait that it stands in."""
        record = self._ledger.record_of(task)
        if record is None or self._long.get(id(record)) is not record or not self._still_waits(record, task):
            return False
        wait = waiting.wait_of(task)
        return wait is not None and (wait.kind in _WARNED or (_due(record) == math.inf and wait.kind == "tasks"))

    def standing(self, task: Any) -> Standing:
        """Where a task stands, as events carry it."""
        wait = waiting.wait_of(task)
        kind, frames = (wait.kind, wait.frames) if wait is not None else ("", waiting.waits_at(task))
        return Standing(self._ledger.facts(task), kind, frames)


def _due(record: Record) -> float:
    return math.inf if getattr(record, "waits", None) is None else record.due


def _since(record: Record, now: float) -> float:
    return now if getattr(record, "waits", None) is None else record.since


def _put_off(record: Record, until: float) -> None:
    if getattr(record, "waits", None) is not None:
        record.due = until
