"""Tasks that were asked to cancel and run on. Part of the sweep, on the loop's thread.

`Task.cancelling()` counts the requests that nobody took back; a timeout or a task group takes its own back. Requests
that come and are taken back between two sweeps look like one that stays: one that is still on its way is no proof.
https://docs.python.org/3/library/asyncio-task.html#asyncio.Task.cancelling
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from asyncwatch import plain
from asyncwatch.hooks import hearers, timeouts, waiting
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.cancellers import Cancellers, Request
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.patience import Patience
from asyncwatch.hooks.tasks import Record
from asyncwatch.task_events import CancelIgnored

MOST_HEARERS = 5


@plain.record
class Asked:
    """A task that is known to be asked: since when, how often, how late its loop was by then, by which anyio scope."""

    record: Record
    since: float
    requests: int
    late: float
    scope: weakref.ref[Any] | None


class Cancels:
    """Remembers since when each task is known to be asked."""

    def __init__(self, state: LoopState, bus: Bus, patience: Patience, cancellers: Cancellers, grace: float) -> None:
        self._state = state
        self._bus = bus
        self._patience = patience
        self._cancellers = cancellers
        self._left, self._forgotten = cancellers.forgotten.left, cancellers.forgotten.counts
        self._grace = grace
        self._asked: dict[int, Asked] = {}
        self._told: dict[int, Record] = {}

    @property
    def known(self) -> tuple[dict[int, Any], ...]:
        """The tasks, by their id, that `visit` or `forget` would make a difference for though nobody asks them."""
        return self._asked, self._told, self._forgotten

    def visit(self, key: int, record: Record, task: Any, now: float) -> bool:
        """Look at one pending task; True when it had to be judged, which is dear."""
        requests = self._left(task)
        if not requests:
            if self._asked:
                self.forget(key)
            return False
        known = self._asked.get(key)
        before = known.requests if known is not None and known.record is record else 0
        if _is_on_its_way(task) and requests == max(before, 1):
            # A new request, and no more of them than before: an earlier one was taken back, and this one may be.
            self.forget(key)
            return False
        if known is None or not before:
            self._asked[key] = self._ask(record, task, now)
            return False
        asked = now - known.since
        # While the loop was late, held by others or without a CPU, the task could not end.
        late = self._state.late - known.late
        if asked - late < self._grace or self._told.get(key) is record or "AW209" not in self._bus.enabled:
            return False
        wait = waiting.wait_of(task)
        if wait is not None and (self._goes_on_elsewhere(task, wait) or _ends_by_itself(task, wait)):
            return True
        by, request = self._by(task), self._request(task)
        if not by and (request is None or _is_anyios(request)) and may_be_left_over(task, known.scope):
            self._asked[key] = self._ask(record, task, now)
            return True
        self._told[key] = record
        heard_by = tuple(self._patience.standing(one.task) for one in hearers.waiters(task))[:MOST_HEARERS]
        standing = self._patience.standing(task)
        if request is not None:
            asked = max(asked, now - request.at)
            by = by or request.by
        frames = request.frames if request is not None else ()
        self._bus.emit(CancelIgnored(self._state.facts, standing, asked, requests, by, heard_by, frames))
        return True

    def _ask(self, record: Record, task: Any, now: float) -> Asked:
        return Asked(record, now, self._left(task), self._state.late, asking_scope(task))

    def forget(self, key: int) -> None:
        self._asked.pop(key, None)
        self._told.pop(key, None)

    def _goes_on_elsewhere(self, task: Any, wait: waiting.Wait) -> bool:
        """Whether it only waits for others that were asked as well: the innermost is the one that does not end."""
        return any(not other.done() and self._left(other) for other in waiting.awaited(task, wait))

    def _request(self, task: Any, depth: int = 8) -> Request | None:
        """The call that asked it, or one of those that wait for it and passed that on."""
        found = self._cancellers.last(task)
        for waiter in hearers.waiters(task) if found is None and depth else ():
            if waiter.cancels and self._left(waiter.task):
                found = found or self._request(waiter.task, depth - 1)
        return found

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
                return "its ending task group"
        for waiter in hearers.waiters(task):
            if waiter.cancels and self._left(waiter.task):
                return f"task {waiter.task.get_name()!r}, which waits for it and was cancelled"
        return ""


def _is_on_its_way(task: Any) -> bool:
    """Whether the last request has not reached the task's code yet."""
    waits = task._fut_waiter
    return bool(task._must_cancel or (waits is not None and waits.cancelled()))


def _is_anyios(request: Request) -> bool:
    return bool(request.frames) and request.frames[0][0].co_filename.endswith(waiting.ANYIO)


def asking_scope(task: Any) -> weakref.ref[Any] | None:
    """The outermost scope of anyio's around the task that was cancelled; None where there is none."""
    asking = [scope for scope in timeouts.anyio_scopes(task) if scope.cancel_called]
    return weakref.ref(asking[-1]) if asking else None


def may_be_left_over(task: Any, scope: weakref.ref[Any] | None) -> bool:
    """Whether anyio counts the requests: its scopes ask again and again and take back what they think was theirs.

    Only where the scope that asked when the count was first seen still stands around the task, and asks, is it proof
    that a request was ignored: another's may be on its way, or have been forgotten.
    """
    if next(timeouts.anyio_scopes(task), None) is None:
        return False
    asking = asking_scope(task)
    return asking is None or scope is None or scope() is not asking()


def _ends_by_itself(task: Any, wait: waiting.Wait) -> bool:
    """Whether its clean-up has a timeout of its own."""
    return timeouts.is_limited(task, asleep=wait.kind == "sleep")
