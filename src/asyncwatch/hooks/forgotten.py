"""Requests to cancel that a task group made and never takes back: before Python 3.13 one does so at its end.

A group whose child fails asks its own task to cancel, to have it leave the body, and takes that back as the first act
of `__aexit__`. When the task is there already, waiting for the children, the request is made after that: the task goes
on with a count of one for ever, and has ignored nobody. The group ends the other children first, which is heard: it
costs a group that does not fail nothing.
https://github.com/python/cpython/blob/3.12/Lib/asyncio/taskgroups.py#L53 (TaskGroup.__aexit__, _on_task_done)
"""

from __future__ import annotations

import asyncio
import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.patch import Patches

PART = "hooks.forgotten"
ABORT = "_abort"
_ON_TASK_DONE = asyncio.TaskGroup._on_task_done.__code__
# Tasks that are remembered; of more, the oldest are forgotten.
MOST_TASKS = 10_000


class Forgotten:
    """How many such requests each task has, by its id; weak references."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.counts: dict[int, tuple[weakref.ref[Any], int]] = {}

    def install(self, patches: Patches) -> None:
        if env.GROUPS_FORGET:
            patches.set(asyncio.TaskGroup, ABORT, self._wrap(asyncio.TaskGroup._abort))  # type: ignore[attr-defined]

    def note(self, group: Any) -> None:
        """A group is about to ask its task, which leaves it already."""
        task, counts = group._parent_task, self.counts
        count = self.of(task) + 1
        while len(counts) >= MOST_TASKS:
            counts.pop(next(iter(counts)), None)
        counts[id(task)] = weakref.ref(task), count

    def of(self, task: Any) -> int:
        """How many of the requests that a task counts were forgotten."""
        found = self.counts.get(id(task))
        return found[1] if found is not None and found[0]() is task else 0

    def left(self, task: Any) -> int:
        """How many requests to it nobody took back or forgot to."""
        requests = int(task.cancelling())
        if not self.counts:
            return requests
        if not requests:
            self.counts.pop(id(task), None)  # somebody knows of this and took it back
        return max(0, requests - self.of(task))

    def _wrap(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        """The replacement for `TaskGroup._abort`."""
        bus, note = self.bus, self.note

        @functools.wraps(original)
        def _abort(self: Any) -> None:
            if sys._getframe(1).f_code is _ON_TASK_DONE and self._exiting:
                bus.guarded(PART, note, self)
            original(self)

        return _abort
