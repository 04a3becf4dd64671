"""Tasks that were asked to cancel and run on. Part of the sweep, on the loop's thread.

`Task.cancelling()` counts the requests that nobody took back; a timeout or a task group takes its own back. Requests
that come and are taken back between two sweeps look like one that stays: one that is still on its way is no proof.
https://docs.python.org/3/library/asyncio-task.html#asyncio.Task.cancelling
"""

from __future__ import annotations

import asyncio
from typing import Any

from asyncwatch.hooks import hearers, timeouts, waiting
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.patience import Patience
from asyncwatch.hooks.tasks import Record
from asyncwatch.task_events import CancelIgnored

MOST_HEARERS = 5


class Cancels:
    """Remembers since when each task is known to be asked."""

    def __init__(self, state: LoopState, bus: Bus, patience: Patience, grace: float) -> None:
        self._state = state
        self._bus = bus
        self._patience = patience
        self._grace = grace
        self._asked: dict[int, tuple[Record, float, int]] = {}
        self._told: dict[int, Record] = {}

    def visit(self, key: int, record: Record, task: Any, now: float) -> bool:
        """Look at one pending task; True when it had to be judged, which is dear."""
        requests = task.cancelling()
        if not requests:
            if self._asked:
                self.forget(key)
            return False
        known = self._asked.get(key)
        before = known[2] if known is not None and known[0] is record else 0
        if _is_on_its_way(task) and requests == max(before, 1):
            # A new request, and no more of them than before: an earlier one was taken back, and this one may be.
            self.forget(key)
            return False
        if known is None or not before:
            self._asked[key] = (record, now, requests)
            return False
        asked = now - known[1]
        if asked < self._grace or self._told.get(key) is record or "AW209" not in self._bus.enabled:
            return False
        wait = waiting.wait_of(task)
        if wait is not None and (self._goes_on_elsewhere(task, wait) or _ends_by_itself(task, wait)):
            return True
        self._told[key] = record
        heard_by = tuple(self._patience.standing(one.task) for one in hearers.waiters(task))[:MOST_HEARERS]
        standing = self._patience.standing(task)
        self._bus.emit(CancelIgnored(self._state.facts, standing, asked, requests, self._by(task), heard_by))
        return True

    def forget(self, key: int) -> None:
        self._asked.pop(key, None)
        self._told.pop(key, None)

    @staticmethod
    def _goes_on_elsewhere(task: Any, wait: waiting.Wait) -> bool:
        """Whether it only waits for others that were asked as well: the innermost is the one that does not end."""
        return any(not other.done() and other.cancelling() for other in waiting.awaited(task, wait))

    def _by(self, task: Any) -> str:
        """Who asked, as far as it can be seen now."""
        if self._state.closing:
            return "the loop's shutdown"
        for link in waiting.links(task):
            for thing in waiting.in_hand(link):
                if type(thing) is asyncio.Timeout and thing.expired():
                    return "its timeout"
        for callback in hearers.callbacks(task):
            group = getattr(callback, "__self__", None) if callable(callback) else None
            if type(group) is asyncio.TaskGroup and group._aborting:  # type: ignore[attr-defined]
                return "its task group, which is ending"
        for waiter in hearers.waiters(task):
            if waiter.cancels and waiter.task.cancelling():
                return f"task {waiter.task.get_name()!r}, which waits for it and was cancelled"
        return ""


def _is_on_its_way(task: Any) -> bool:
    """Whether the last request has not reached the task's code yet."""
    waits = task._fut_waiter
    return bool(task._must_cancel or (waits is not None and waits.cancelled()))


def _ends_by_itself(task: Any, wait: waiting.Wait) -> bool:
    """Whether its clean-up has a timeout of its own."""
    return timeouts.is_limited(task, asleep=wait.kind == "sleep")
