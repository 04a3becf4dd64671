"""The instruments of all loops: added and removed while they run, and patched for only while there are any.

What is replaced depends on what is implemented: `call_soon` for tasks that are spawned or scheduled, `Handle._run` for
the steps of asyncio's own loops, `create_task` for those of eager tasks, a loop's selector for its waiting. A loop
that runs its handles in C, as uvloop does, has the step itself replaced where it is scheduled.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from asyncwatch.hooks import births, steps
from asyncwatch.hooks.arming import STEPS, WAITS, Arming
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.hooked import STEP_CODE, Hook, Hooked
from asyncwatch.hooks.loops import Loops, loop_kind
from asyncwatch.hooks.stacks import is_loop_code
from asyncwatch.hooks.tables import items_of
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.instrument import implemented

PART = "hooks.instruments"
FOREIGN = "no before_io_wait, after_io_wait, before_callback, after_callback: its waiting is not done in Python"

# Those who take instruments, the newest last.
_open: list[Instruments] = []


class Instruments:
    """Who is called on which loop."""

    def __init__(self, loops: Loops, ledger: Ledger, bus: Bus) -> None:
        self._loops = loops
        self._bus = bus
        self._hooked: dict[int, Hooked] = {}
        # What each instrument implements; where it is: None for every loop, else the ids of loops.
        self._hooks: dict[int, tuple[object, dict[str, Callable[..., object]]]] = {}
        self._where: dict[int, set[int] | None] = {}
        self._arming = Arming(loops, ledger, bus, self.broken)
        self._foreign: set[str] = set()  # the kinds of loops seen that cannot offer all
        # Taken when an instrument comes or goes, which two loops may have happen at once, and for no longer.
        self._changing = threading.RLock()

    def install(self) -> None:
        """Take instruments from now on."""
        self._loops.each_class(self._arming.patch_class)
        _open.append(self)

    def after_fork(self) -> None:
        """In the child, whatever another thread of the parent was about."""
        self._changing = threading.RLock()

    def close(self) -> list[str]:
        """Let all instruments go, and put back what was replaced for them; returns what somebody else had replaced."""
        if self in _open:
            _open.remove(self)
        self._hooks.clear()
        self._where.clear()
        self._rearm()
        return self._arming.left

    # -- adding and removing --

    def add(self, instrument: object, *, everywhere: bool = False) -> None:
        """Begin to call an instrument on the running loop, or on every loop when none runs or `everywhere` is asked.

        Raises:
            TypeError: a hook is a coroutine function.
        """
        loop = None if everywhere else asyncio._get_running_loop()
        key = id(instrument)
        if key not in self._hooks:
            self._hooks[key] = (instrument, implemented(instrument))
            self._where[key] = set()
        where = self._where[key]
        if loop is None:
            self._where[key] = None
            for state in self._loops:
                known = state.ref()
                if known is not None:
                    self._known(known)
        elif where is not None:
            self._known(loop)
            where.add(id(loop))
        self._rearm()

    def remove(self, instrument: object) -> None:
        """Call an instrument no more, on no loop.

        Raises:
            KeyError: it is not there, or was removed because it raised.
        """
        if self._hooks.get(id(instrument), (None,))[0] is not instrument:
            raise KeyError(instrument)
        del self._hooks[id(instrument)], self._where[id(instrument)]
        self._rearm()

    def fault(self, instrument: object, name: str, error: BaseException) -> None:
        """A hook raised: its instrument is removed from every loop."""
        try:
            if self._hooks.pop(id(instrument), None) is not None:
                del self._where[id(instrument)]
                kind = type(instrument)
                self._bus.fail(f"instrument {kind.__module__}.{kind.__qualname__}.{name}", error)
                self._rearm()
        except Exception as own:
            self.broken(own)

    def broken(self, error: Exception) -> None:
        """Something of ours raised: no instrument is called any more."""
        self._bus.fail(PART, error)
        self._hooks.clear()
        for hooked in list(self._hooked.values()):
            hooked.set({})
        self._arming.table.clear()

    def begins(self) -> None:
        """A loop is used for the first time: what was replaced to know that is not needed for it any more."""
        self._rearm()

    # -- loops --

    def new_loop(self, loop: Any) -> None:
        """A loop was noticed: instruments of every loop are this one's, too."""
        if steps.is_foreign(loop):
            self._foreign.add(loop_kind(loop))
        if any(where is None for where in list(self._where.values())):
            self._known(loop)
            self._rearm()

    def closing(self, loop: Any) -> None:
        """A loop is about to be closed."""
        hooked = self._hooked.get(id(loop))
        if hooked is None or hooked.ref() is not loop:
            return
        try:
            hooked.end()
            steps.unwatch_selector(loop)
            self._forget(hooked)
        except Exception as error:
            self.broken(error)

    def _known(self, loop: Any) -> Hooked:
        hooked = self._hooked.get(id(loop))
        if hooked is None or hooked.ref() is not loop:
            hooked = self._hooked[id(loop)] = Hooked(loop, self, self._gone)
        return hooked

    def _gone(self, ref: weakref.ref[Any]) -> None:
        for hooked in list(self._hooked.values()):
            if hooked.ref is ref:
                self._forget(hooked)

    def _forget(self, hooked: Hooked) -> None:
        for key, known in items_of(self._hooked):
            if known is hooked:
                del self._hooked[key]
                self._arming.table.pop(key, None)
                for where in list(self._where.values()):
                    if where is not None:
                        where.discard(key)

    # -- what is replaced --

    def _rearm(self) -> None:
        """Replace what the instruments now need, no more; and tell each loop's hooks."""
        with self._changing:
            self._sort()
            self._arming.fit(self._hooked)

    def _sort(self) -> None:
        for key, hooked in items_of(self._hooked):
            before = hooked.wants(*STEPS)
            hooks: dict[str, tuple[Hook, ...]] = {}
            for number, (instrument, found) in items_of(self._hooks):
                where = self._where.get(number)
                if where is None or key in where:
                    for name, hook in found.items():
                        hooks[name] = (*hooks.get(name, ()), (instrument, hook))
            hooked.set(hooks)
            loop = hooked.ref()
            if loop is None:
                continue
            if hooked.wants(*STEPS) and not before and not hooked.foreign:
                self._in_a_step(hooked, loop)
            if hooked.begun and hooked.wants(*WAITS):
                steps.watch_selector(loop, hooked)
            else:
                steps.unwatch_selector(loop)

    def _in_a_step(self, hooked: Hooked, loop: Any) -> None:
        """The step in which steps are first asked for has nothing of ours around it; what follows shows its end."""
        hooked.unfinished = None
        task = asyncio.current_task(loop) if asyncio._get_running_loop() is loop else None
        frame = sys._getframe() if task is not None else None
        while frame is not None and not is_loop_code(frame.f_code):
            if frame.f_code is STEP_CODE:
                return
            frame = frame.f_back
        hooked.unfinished = weakref.ref(task) if task is not None else None

    def row(self) -> tuple[str, str, str]:
        """What AW000 says."""
        limits = [f"on {kind} {FOREIGN}" for kind in sorted(self._foreign)]
        return "instruments", "armed", "; ".join(filter(None, (*limits, births.why_blind())))


def newest() -> Instruments:
    """Where instruments are added.

    Raises:
        RuntimeError: nothing is watched.
    """
    if not _open:
        raise RuntimeError(
            "no watcher is installed: start the program with python -m asyncwatch, or call asyncwatch.install() first"
        )
    return _open[-1]
