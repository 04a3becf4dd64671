"""What is replaced for instruments: no more than those that are there need, and only while they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from asyncwatch.hooks import births, steps
from asyncwatch.hooks.births import Births
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.creation import wrap_create_task
from asyncwatch.hooks.hooked import Hooked
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.tables import items_of
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.instrument import HOOKS

STARTS = ("task_spawned", "task_scheduled")
STEPS = ("before_task_step", "after_task_step", "task_exited")
CALLBACKS = ("before_callback", "after_callback")
WAITS = ("before_io_wait", "after_io_wait")


class Arming:
    """The replaced methods, and the table of loops that they look into."""

    def __init__(self, loops: Loops, ledger: Ledger, bus: Bus, fail: Callable[[Exception], None]) -> None:
        self._loops = loops
        self._ledger = ledger
        self._bus = bus
        self._births = Births(fail)
        self._patches = Patches()
        self._needs: frozenset[str] = frozenset()
        self.table: dict[int, Hooked] = {}
        self.left: list[str] = []  # what somebody else had replaced after us

    def fit(self, hooked: dict[int, Hooked]) -> None:
        """Replace what these loops' hooks need."""
        table = {key: one for key, one in items_of(hooked) if one.wants(*HOOKS)}
        needs = frozenset(need for one in table.values() for need in _needs(one))
        if needs == self._needs:
            self.table.update(table)
            for key in self.table.keys() - table.keys():
                del self.table[key]
            return
        # What cannot be put back, because somebody replaced it after us, finds nothing in its table any more.
        self.table.clear()
        self.left += self._patches.undo()
        self._births.close()
        self.table, self._needs = table, needs
        if "_run" in needs:
            self._patches.set(asyncio.Handle, "_run", steps.wrap_run(asyncio.Handle._run, table))
        for cls in self._loops.classes():
            self.patch_class(cls)

    def patch_class(self, cls: Any) -> None:
        """A loop's class is there, or was just defined."""
        patches, needs, table = self._patches, self._needs, self.table
        if "call_soon" in needs:
            patches.set(cls, "call_soon", steps.wrap_call_soon(cls.call_soon, table))
        if "create_task" in needs and births.POSSIBLE:
            # The ledger looks at the frame of whoever calls it: ours goes below it.
            below = self._ledger.originals.get(cls.create_task)
            patched = self._births.wrap(below or cls.create_task, table)
            patches.set(cls, "create_task", wrap_create_task(patched, self._ledger, self._bus) if below else patched)


def _needs(one: Hooked) -> set[str]:
    """The methods to replace for one loop's hooks."""
    needs = set()
    if one.wants(*STARTS, *STEPS):
        needs |= {"call_soon", "create_task"}
    if one.wants(*STEPS, *CALLBACKS) and not one.foreign:
        needs.add("_run")
    if not one.begun and one.wants("before_run", *WAITS):
        needs.add("call_soon")
    return needs
