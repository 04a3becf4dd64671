"""How long tasks wait for their turn once they could run."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import Any

from asyncwatch.instrument import Instrument


class SchedulingLatency(Instrument):
    """A histogram of the time from `task_scheduled` to `before_task_step`.

    `counts[i]` is how many waited no longer than `buckets[i]` seconds and longer than the bucket before; the last
    count is of those that waited longer than all. An eager task's first step waits for nothing and is not counted.
    """

    buckets: tuple[float, ...] = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts = [0] * (len(self.buckets) + 1)
        self.longest = 0.0
        self._clock = clock
        self._since: weakref.WeakKeyDictionary[asyncio.Task[Any], float] = weakref.WeakKeyDictionary()

    def task_scheduled(self, task: asyncio.Task[Any]) -> None:
        self._since[task] = self._clock()

    def before_task_step(self, task: asyncio.Task[Any]) -> None:
        since = self._since.pop(task, None)
        if since is None:
            return
        waited = self._clock() - since
        self.longest = max(self.longest, waited)
        for index, most in enumerate(self.buckets):
            if waited <= most:
                self.counts[index] += 1
                return
        self.counts[-1] += 1

    def __str__(self) -> str:
        lines = [f"{count:8} <= {most:g} s" for count, most in zip(self.counts, self.buckets, strict=False)]
        return "\n".join([*lines, f"{self.counts[-1]:8} longer, up to {self.longest:.3g} s"])
