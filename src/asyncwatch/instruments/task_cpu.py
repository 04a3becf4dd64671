"""How much CPU time each task has used."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import Any

from asyncwatch.instrument import Instrument


class TaskCPU(Instrument):
    """CPU time of the loop's thread, by task: seconds that it computed, not those that it waited.

    An eager task's first step is made inside the step of the task that creates it, and is the eager one's alone.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._living: weakref.WeakKeyDictionary[asyncio.Task[Any], float] = weakref.WeakKeyDictionary()
        self._ended: dict[str, float] = {}
        # The steps that go on, the innermost last: what each has used before the next began inside it.
        self._steps: list[float] = []
        self._since = 0.0

    def before_task_step(self, task: asyncio.Task[Any]) -> None:
        now = self._clock()
        if self._steps:
            self._steps[-1] += now - self._since
        self._steps.append(0.0)
        self._since = now

    def after_task_step(self, task: asyncio.Task[Any]) -> None:
        if not self._steps:
            return  # it was added in the middle of this step
        now = self._clock()
        used = self._steps.pop() + now - self._since
        self._since = now
        total = self._living.pop(task, 0.0) + used
        if task.done():
            name = task.get_name()
            self._ended[name] = self._ended.get(name, 0.0) + total
        else:
            self._living[task] = total

    @property
    def seconds(self) -> dict[str, float]:
        """CPU seconds by the task's name, those that used most first; tasks of one name are added up."""
        found = dict(self._ended)
        for task, used in list(self._living.items()):
            found[task.get_name()] = found.get(task.get_name(), 0.0) + used
        return dict(sorted(found.items(), key=lambda item: -item[1]))
