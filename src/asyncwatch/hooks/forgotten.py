"""Requests to cancel that a task group made and never takes back: before Python 3.13 one does so at its end.

A group whose child fails asks its own task to cancel, to have it leave the body, and takes that back as the first act
of `__aexit__`. When the task is there already, waiting for the children, the request is made after that: the task goes
on with a count of one for ever, and has ignored nobody. A descriptor without `__get__` hears when the group asks.
https://github.com/python/cpython/blob/3.12/Lib/asyncio/taskgroups.py#L53 (TaskGroup.__aexit__)
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from asyncwatch import env
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.patch import Patches

PART = "hooks.forgotten"
FLAG = "_parent_cancel_requested"
# Tasks that are remembered; of more, the oldest are forgotten.
MOST_TASKS = 10_000


class Forgotten:
    """How many such requests each task has, by its id; weak references."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._counts: dict[int, tuple[weakref.ref[Any], int]] = {}

    def install(self, patches: Patches) -> None:
        if env.GROUPS_FORGET:
            patches.set(asyncio.TaskGroup, FLAG, _Flag(self))

    def note(self, group: Any) -> None:
        """A group is about to ask its task, which leaves it already."""
        task, counts = group._parent_task, self._counts
        count = self.of(task) + 1
        while len(counts) >= MOST_TASKS:
            counts.pop(next(iter(counts)), None)
        counts[id(task)] = weakref.ref(task), count

    def of(self, task: Any) -> int:
        """How many of the requests that a task counts were forgotten."""
        found = self._counts.get(id(task))
        return found[1] if found is not None and found[0]() is task else 0

    def left(self, task: Any) -> int:
        """How many requests to it nobody took back or forgot to."""
        requests = int(task.cancelling())
        if not self._counts:
            return requests
        if not requests:
            self._counts.pop(id(task), None)  # somebody knows of this and took it back
        return max(0, requests - self.of(task))


class _Flag:
    """`TaskGroup._parent_cancel_requested`: a data descriptor that only hears."""

    __slots__ = ("_forgotten",)

    def __init__(self, forgotten: Forgotten) -> None:
        self._forgotten = forgotten

    def __set__(self, group: Any, requested: bool) -> None:
        group.__dict__[FLAG] = requested
        forgotten = self._forgotten
        if requested and group._exiting:
            forgotten.bus.guarded(PART, forgotten.note, group)
