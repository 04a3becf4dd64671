"""Who holds a lock: asyncio's own do not say. A descriptor without `__get__` hears when `_locked` is set.

Reads go to the instance as before; a write costs one call. anyio's locks know their owner.
https://docs.python.org/3/reference/datamodel.html#invoking-descriptors
https://github.com/python/cpython/blob/3.13/Lib/asyncio/locks.py#L93 (Lock.acquire)
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.patch import Patches

PART = "hooks.lockers"
# Entries of locks that died while held are not taken back; more than these are not believed to be locks in use.
MOST_LOCKS = 10_000


class Lockers:
    """The owners of the locks that are held now, by the lock's id; weak references both."""

    def __init__(self, bus: Bus, known: Callable[[int], weakref.ref[Any] | None]) -> None:
        """`known` gives a reference to a task by its id, where there is one already."""
        self.bus = bus
        self._known = known
        self._current = env.current_task_getter()
        self._owners: dict[int, weakref.ref[Any]] = {}

    def install(self, patches: Patches) -> None:
        patches.set(asyncio.Lock, "_locked", _Locked(self))

    def note(self, lock: Any, locked: bool) -> None:
        """A lock is taken, or given back, by the task that runs now."""
        self._owners.pop(id(lock), None)
        loop = asyncio._get_running_loop() if locked else None
        task = self._current(loop) if loop is not None else None
        if task is not None:
            if len(self._owners) >= MOST_LOCKS:
                self._owners.clear()
            known = self._known(id(task))
            self._owners[id(lock)] = known if known is not None and known() is task else weakref.ref(task)

    def owner(self, lock: Any) -> Any:
        """The task that took it, None where that is not known or the task is gone."""
        if hasattr(lock, "_owner_task"):  # anyio
            return lock._owner_task
        found = self._owners.get(id(lock))
        return found() if found is not None and lock.locked() else None


class _Locked:
    """`asyncio.Lock._locked`: a data descriptor that only hears."""

    __slots__ = ("_lockers",)

    def __init__(self, lockers: Lockers) -> None:
        self._lockers = lockers

    def __set__(self, lock: Any, locked: bool) -> None:
        lock.__dict__["_locked"] = locked
        bus = self._lockers.bus
        if bus.works(PART):
            try:
                self._lockers.note(lock, locked)
            except Exception as error:
                bus.fail(PART, error)
