"""How the watcher itself fares: whether it wakes when it wanted to, and what kept it if not.

A thread that waits for the GIL wakes every switch interval to ask again, and each of these naps is a voluntary
context switch; a thread that the machine does not run makes none. So the number of switches tells the two apart.
https://github.com/python/cpython/blob/3.11/Python/ceval_gil.h#L211 (take_gil)
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable

# Lateness of less is an ordinary busy machine.
PUNCTUAL = 0.005
# The part of the naps that a wait for the GIL of that length would have had.
ENOUGH_NAPS = 0.4
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


@dataclasses.dataclass
class Pulse:
    """The watcher's own punctuality. `switches` counts its voluntary context switches, None where nobody does."""

    switches: Callable[[], int] | None = None
    stopped: float = 0.0  # the longest time without a CPU
    without_gil: float = 0.0  # the longest time without the GIL
    recent: float = 0.0  # what it has to reckon with: lateness of the last seconds that no native code explains

    def __post_init__(self) -> None:
        self._rested_at = self._due = self._woke_at = 0.0
        self._switches = self._switches_awake = 0

    def rests(self, now: float, period: float) -> None:
        """The watcher is about to sleep for `period` seconds."""
        self._rested_at, self._due = now, now + period
        self._switches = self.switches() if self.switches else 0

    def is_punctual(self, now: float) -> bool:
        """Whether the watcher woke by itself, and when it wanted to."""
        return 0.0 <= now - self._due < PUNCTUAL

    def interrupted(self) -> None:
        """The last look lost the GIL before its end: the next one counts from where that began."""
        self._rested_at = self._due = self._woke_at
        self._switches = self._switches_awake - 1  # there was no sleep in between

    def woke(self, now: float) -> Gap:
        """The watcher runs again."""
        self.recent *= FORGET
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
        cause = self._cause(late)
        if cause == "gil":
            self.without_gil = max(self.without_gil, late)
        else:
            self.stopped = max(self.stopped, late)
        return Gap(self._rested_at, self._due, now, late, cause, looked)

    def _cause(self, late: float) -> str:
        if self.switches is None:
            return "unknown"
        naps = self.switches() - self._switches - 1  # one is the sleep it wanted
        return "gil" if naps >= max(1, ENOUGH_NAPS * late / sys.getswitchinterval()) else "stopped"

    def unexplained(self, late: float) -> None:
        """That lateness was not one piece of native code: it must be reckoned with."""
        self.recent = max(self.recent, late)

