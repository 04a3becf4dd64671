"""What the watcher remembers of one loop from look to look."""

from __future__ import annotations

from asyncwatch.hooks.hold import Hold
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.vitals import Record

# How often a quiet program is looked at, in seconds; more often for a short threshold.
PERIOD = 0.025


class Eye:
    """The watcher's view of one loop."""

    def __init__(self, state: LoopState, now: float) -> None:
        self.state = state
        self.asked_at = 0.0
        self.answered_at = now
        self.waiting = False
        self.pongs = state.pongs
        self.alive_at = now
        self.hold: Hold | None = None
        self.record = Record()
        self.threshold = 0.1
        self.period = PERIOD
        self.idle = False
        self.sure = False  # whether it answered since it runs, and so told its thread
