"""What happened to the tasks, in order."""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from asyncwatch.instrument import Instrument


class Entry(NamedTuple):
    """One hook: when it was called, in seconds of the log's clock, which it was, and the name of its task."""

    at: float
    hook: str
    task: str


class StepLog(Instrument):
    """A log of the last `most` hooks about tasks, in memory. It holds names and no task."""

    def __init__(self, most: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.entries: collections.deque[Entry] = collections.deque(maxlen=most)
        self._clock = clock

    def _note(self, hook: str, task: asyncio.Task[Any]) -> None:
        self.entries.append(Entry(self._clock(), hook, task.get_name()))

    def task_spawned(self, task: asyncio.Task[Any]) -> None:
        self._note("task_spawned", task)

    def task_scheduled(self, task: asyncio.Task[Any]) -> None:
        self._note("task_scheduled", task)

    def before_task_step(self, task: asyncio.Task[Any]) -> None:
        self._note("before_task_step", task)

    def after_task_step(self, task: asyncio.Task[Any]) -> None:
        self._note("after_task_step", task)

    def task_exited(self, task: asyncio.Task[Any]) -> None:
        self._note("task_exited", task)

    def __str__(self) -> str:
        return "\n".join(f"{at:.6f} {hook} {task}" for at, hook, task in self.entries)
