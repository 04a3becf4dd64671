"""How the watcher itself fares: whether it wakes when it wanted to, and what kept it if not.

A thread that waits for the GIL wakes every switch interval to ask again, and each of these naps is a voluntary
context switch; a thread that the machine does not run makes none. So the number of switches tells the two apart.
https://github.com/python/cpython/blob/3.11/Python/ceval_gil.h#L211 (take_gil)
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable

# Lateness of less is an ordinary busy machine.
PUNCTUAL = 0.005
# The part of the naps that a wait for the GIL of that length would have had.
ENOUGH_NAPS = 0.4
# More of them than this, and than that many more, are no single wait.
MANY_NAPS = 1.3
SOME_NAPS = 3
# A look that is late by fewer switch intervals than this is part of ordinary taking turns.
TURNS = 3
# How fast a bad experience is forgotten: by half in about two seconds of looks.
FORGET = 0.99


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """The time between two looks: when the last ended, when this one was due and came, what made it late."""

    since: float
    due: float
    now: float
    late: float = 0.0
    cause: str = ""  # gil, or stopped: nothing ran this thread; empty when it was punctual
    looked: float = dataclasses.field(default=0.0, compare=False)  # how long the last look took
    shared: bool = False  # whether the GIL was given away meanwhile, and taken back before the watcher had it


class Pulse:
    """The watcher's own punctuality. `switches` counts its voluntary context switches, None where nobody does."""

    def __init__(self, switches: Callable[[], int] | None = None) -> None:
        self.switches = switches
        self.stopped = 0.0  # the longest time without a CPU
        self.without_gil = 0.0  # the longest time without the GIL
        self.recent = 0.0  # what it has to reckon with: lateness of the last seconds that no native code explains
        self.held = 0.0  # in all, that it was looking, with the GIL, and did not run
        self._rested_at = self._due = self._woke_at = 0.0
        self._switches = self._switches_awake = 0
        self._ran = 0.0
        self.dozing: Callable[[], float] | None = None  # when it wants to wake next, while it looks without the GIL

    def begins(self, now: float) -> None:
        """The watcher's thread is about to be started: until its first look it is late as well."""
        self._rested_at = self._due = self._woke_at = now
        self._switches = -1  # none of its switches is a sleep that it wanted

    def rests(self, now: float, period: float) -> None:
        """The watcher is about to sleep for `period` seconds."""
        self.held += max(0.0, now - self._woke_at - (time.thread_time() - self._ran)) if self._due else 0.0
        self._rested_at, self._due = now, now + period
        self._switches = self.switches() if self.switches else 0

    def called(self, now: float) -> None:
        """It is about to be poked, in the middle of its sleep."""
        if self._rested_at < now < self._due:
            self._due = now

    @property
    def rested_at(self) -> float:
        """When the watcher began to sleep."""
        return self._rested_at

    @property
    def due(self) -> float:
        """When it wanted to wake."""
        return self._due if self.dozing is None else self.dozing()

    def napped(self, until: float, period: float, times: int) -> None:
        """It woke so many times, the last of them then, while nobody else ran, and went on sleeping."""
        self._rested_at, self._due = until, until + period
        self._switches += times

    def dozed(self, until: float, period: float, switches: int) -> None:
        """It looked without the GIL, the last time then and with so many switches, and went on sleeping."""
        self._rested_at, self._due = until, until + period
        self._switches = switches

    def is_punctual(self, now: float) -> bool:
        """Whether the watcher woke by itself, and when it wanted to."""
        return 0.0 <= now - self._due < PUNCTUAL

    def interrupted(self, *, judged: bool) -> None:
        """The last look lost the GIL before its end: the next one counts from where that began.

        Unless it had `judged` no loop by then: then it was none, and the next counts from where it would have.
        """
        if not judged:
            return
        self._rested_at = self._due = self._woke_at
        self._switches = self._switches_awake - 1  # there was no sleep in between

    def woke(self, now: float) -> Gap:
        """The watcher runs again."""
        self.recent *= FORGET
        self._ran = time.thread_time()
        gap = self._gap(now)
        self._switches_awake = self.switches() if self.switches else 0
        return gap

    def _gap(self, now: float) -> Gap:
        if not self._due:
            self._woke_at = now
            return Gap(now, now, now)
        late, looked, self._woke_at = now - self._due, self._rested_at - self._woke_at, now
        if late < PUNCTUAL:
            return Gap(self._rested_at, min(self._due, now), now, looked=looked)
        cause, shared = self._cause(late)
        if cause == "gil":
            self.without_gil = max(self.without_gil, late)
        else:
            self.stopped = max(self.stopped, late)
        return Gap(self._rested_at, self._due, now, late, cause, looked, shared)

    def _cause(self, late: float) -> tuple[str, bool]:
        if self.switches is None:
            return "unknown", False
        naps = self.switches() - self._switches - 1  # one is the sleep it wanted
        asked = late / sys.getswitchinterval()
        if naps < max(1, ENOUGH_NAPS * asked):
            return "stopped", False
        # Who gives it away wakes those who wait for it, so many naps are short.
        return "gil", naps > MANY_NAPS * asked + SOME_NAPS

    def unexplained(self, late: float) -> None:
        """That lateness was not one piece of native code: it must be reckoned with."""
        self.recent = max(self.recent, late)


def is_late(since: float, now: float) -> bool:
    """Whether a part of a look has taken so long that the program has gone on meanwhile."""
    return now - since >= TURNS * sys.getswitchinterval()
