"""trio's tasks that stand at one await for long. Looked at on trio's own thread, between two steps.

That a task has not moved is seen by trio's own count of its steps. A timeout is whatever deadline stands around the
task; trio's timed sleep is one, too.
https://github.com/python-trio/trio/blob/v0.30.0/src/trio/_core/_run.py (Task, CancelStatus.effective_deadline)
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Protocol

from asyncwatch.events import ParentFacts, TaskFacts
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import LoopState
from asyncwatch.task_events import Standing, TaskStuck

PART = "hooks.trio"
# The longest one slice may keep trio, in seconds, and how many tasks are visited between two looks at the clock.
SLICE = 0.0005
BATCH = 64
SHORTEST_REST = 0.05

# What a wait is for, by the first of trio's functions in which it stands; None for one that is no trouble.
_KINDS: dict[str, str | None] = {
    "sleep_forever": None,
    "Nursery._nested_child_finished": None,
    "_LockImpl.acquire": "lock",
    "Lock.acquire": "lock",
    "Semaphore.acquire": "semaphore",
    "CapacityLimiter.acquire_on_behalf_of": "semaphore",
    "Condition.wait": "condition",
    "Event.wait": "event",
    "MemoryReceiveChannel.receive": "queue",
    "MemorySendChannel.send": "queue",
    "to_thread_run_sync": "executor",
    "Process.wait": "process",
    "wait_readable": "socket",
    "wait_writable": "socket",
    "ParkingLot.park": "condition",
    "wait_task_rescheduled": "future",
}


class Run(Protocol):
    """What is asked of a run."""

    @property
    def runner(self) -> Any: ...
    def soon(self, function: Callable[[], object]) -> bool: ...


class Waits:
    """Since when each task of one run stands where it stands."""

    def __init__(self, run: Run, state: LoopState, bus: Bus, stuck_after: float) -> None:
        self._run = run
        self._state = state
        self._bus = bus
        self._after = stuck_after
        self._asked_at = bus.now()
        self._known: weakref.WeakKeyDictionary[Any, tuple[int, float]] = weakref.WeakKeyDictionary()
        self._told: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._todo: list[weakref.ref[Any]] = []

    def ask(self, now: float) -> None:
        """Called by the watcher: have the tasks looked at, four times in the time that makes one stuck."""
        if now - self._asked_at >= max(SHORTEST_REST, self._after / 4) and "AW206" in self._bus.enabled:
            self._asked_at = now
            self._run.soon(self._sweep)

    def _sweep(self) -> None:
        # On trio's thread, where an exception would end the whole run.
        try:
            if self._bus.works(PART):
                self._look()
        except Exception as error:
            self._bus.fail(PART, error)

    def _look(self) -> None:
        runner = self._run.runner
        if runner is None:
            return
        now = self._bus.now()
        if not self._todo:
            self._todo = [weakref.ref(task) for task in runner.tasks]
        visits = 0
        while self._todo:
            task = self._todo.pop()()
            visits += 1
            judged = task is not None and self._visit(task, runner, now)
            if self._todo and (judged or visits % BATCH == 0) and self._bus.now() >= now + SLICE:
                self._run.soon(self._sweep)
                return

    def _visit(self, task: Any, runner: Any, now: float) -> bool:
        """Look at one task; True when it had to be judged, which is dear."""
        steps = task._schedule_points
        known, since = self._known.get(task, (-1, now))
        if task._next_send_fn is not None or known != steps:
            self._known[task] = (steps, now)
            return False
        if now - since < self._after or self._told.get(task) == steps:
            return False
        self._told[task] = steps
        status = task._cancel_status
        if status is None or status.effective_deadline() != math.inf or not _is_the_programs(task, runner):
            return True
        frames = tuple(_frames(task))
        kind = _kind(frames)
        if kind is not None:
            standing = Standing(_facts(task), kind, frames)
            self._bus.emit(TaskStuck(self._state.facts, standing, now - since, (), None))
        return True


def _is_the_programs(task: Any, runner: Any) -> bool:
    """Whether a task descends from the main one; others are trio's own."""
    while task is not None and task is not runner.main_task:
        nursery = task.parent_nursery
        task = nursery.parent_task if nursery is not None else None
    return task is not None


def _frames(task: Any) -> Iterator[RawFrame]:
    """Where a task stands, innermost first."""
    yield from reversed([(frame.f_code, frame.f_lasti) for frame, _ in task.iter_await_frames()])


def _kind(frames: tuple[RawFrame, ...]) -> str | None:
    """What the innermost function that is not trio's waits for; None where that is no trouble."""
    own: list[CodeType] = []
    for code, _ in frames:
        if not _is_trios(code):
            break
        own.insert(0, code)
    for code in own:
        name = code.co_qualname
        if name in _KINDS:
            return _KINDS[name]
    return ""


def _is_trios(code: CodeType) -> bool:
    folder, _, rest = code.co_filename.rpartition(f"{os.sep}trio{os.sep}")
    return bool(rest) and ("site-packages" in folder or rest.startswith("_"))


def _facts(task: Any) -> TaskFacts:
    nursery = task.parent_nursery
    parent = nursery.parent_task if nursery is not None else None
    facts = ParentFacts(parent.name, _coro(parent)) if parent is not None else None
    return TaskFacts(str(task.name)[:200], _coro(task), (), facts)


def _coro(task: Any) -> str:
    frame = getattr(task.coro, "cr_frame", None)
    name = getattr(task.coro, "__qualname__", type(task.coro).__name__)
    module = frame.f_globals.get("__name__") if frame is not None else None
    return f"{module}.{name}"[:300] if isinstance(module, str) else str(name)[:300]
