"""What the watcher remembers of one loop from look to look."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from asyncwatch import env, plain
from asyncwatch.events import TaskFacts
from asyncwatch.hooks.hold import Hold, Look, frame_of
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.pulse import Gap
from asyncwatch.hooks.stacks import waits_for_work
from asyncwatch.hooks.vitals import HARDLY, Record, Vitals, still, vitals

# How often a quiet program is looked at, in seconds; more often for a short threshold.
PERIOD = 0.025
SHORTEST = 0.001
# A loop that looks idle is asked all the same this often: a built-in function as callback has no frame of its own.
ASK_IDLE, ASK_IDLE_LONGEST = 0.25, 1.0
# Tasks are looked after when it answers. What is told after so many questions, of a task that was dropped or cancelled,
# must not come late, and one that is stuck must be seen to be so several times.
SOON, LOOKS_AT_STUCK = 20, 16


def longest_between(stuck_after: float) -> float:
    """The seconds between two questions to a loop that does nothing, where tasks are stuck after so many."""
    return max(ASK_IDLE, min(ASK_IDLE_LONGEST, stuck_after / LOOKS_AT_STUCK))


@plain.record
class Nap:
    """As long as this clock shows this, and up to this time, nothing can have changed."""

    clock: int
    ran: float
    until: float


class Eye:
    """The watcher's view of one loop."""

    def __init__(self, state: LoopState, now: float, longest: float = ASK_IDLE) -> None:
        self.state = state
        self.asked_at = 0.0
        self.asked_idle = False  # how it was found then: waiting for something to do, or with this callback running
        self.asked_key: object = None
        self.answered_at = now
        self.waiting = False
        self.at_wake: tuple[Look | None, TaskFacts | None] = None, None  # what ran when a look came too late
        self.ran: float | None = None  # its thread's CPU seconds by then
        self.pongs = state.pongs
        self.alive_at = now
        self.hold: Hold | None = None
        self.record = Record()
        self.threshold = 0.1
        self.period = PERIOD
        self.runs = self.idle = False
        self.sure = False  # whether it answered since it runs, and so told its thread
        self.ask_in, self._longest = ASK_IDLE, longest  # how often it is asked though it looks idle
        self._in_vain = 0  # questions to a loop that had done nothing since the last
        self.nap: Nap | None = None  # as its thread was before the last look, if that found it quiet

    def notes(self, now: float, throttled: Callable[[], float | None], elsewhere: float) -> Vitals | None:
        """One more row of its record; returns the numbers of the one before."""
        # Its own thread wrote the first one down when the loop was made; it may have lost the GIL to us before that.
        if self.state.baseline is not None and self.record.last is None:
            self.record.add(*self.state.baseline)
        before = self.record.last
        if still(self.state.native, before):
            self.record.still(now)
        else:
            self.record.add(now, vitals(self.state.native), throttled(), elsewhere)
        return before

    def measures(self, loop: Any) -> None:
        """What counts as slow there is the loop's own to say, now and always."""
        self.threshold = float(loop.slow_callback_duration)
        self.period = max(SHORTEST, min(PERIOD, self.threshold / 4))

    def enters(self, ident: int) -> None:
        """Another thread runs the loop: what is known of the one before says nothing any more."""
        self.state.enter(ident)
        self.state.baseline = None
        self.record = Record()

    def asks(self, now: float, key: object) -> None:
        """It is about to be asked for a sign of life; `key` is of the callback that runs, None where none does."""
        self.pongs = self.state.pongs
        if self.hold is None:
            self.alive_at = max(self.alive_at, self.state.pong_at)
        self.asked_at = self.state.asked_at = now
        self.asked_idle, self.asked_key = self.idle, key

    def is_due(self, now: float) -> bool:
        """Whether it is to be asked though it looks idle."""
        return now >= self.due

    def is_to_be_asked(self, now: float, *, answered: bool, busy: bool) -> bool:
        """The same of any loop; `answered` when it has done so since the last look, `busy` when it has work of ours."""
        due, works = self.is_due(now), busy or not self.idle or self.hold is not None
        if works or not (due or answered):
            self.stirs()
        elif due:
            self._in_vain += 1
            self.ask_in = ASK_IDLE if self._in_vain < SOON else self._longest
        return due or works

    def stirs(self) -> None:
        """It has done something: it is asked often again, for that may be a built-in function that goes on."""
        self._in_vain, self.ask_in = 0, ASK_IDLE

    def napped(self, until: float, *, stirred: bool) -> None:
        """Its thread had not run until then; `stirred` when it has since."""
        self.record.still(until)
        self.alive_at = max(self.alive_at, until)
        if stirred:
            self.stirs()

    def sleeps_on(self, now: float) -> bool:
        """Whether its loop has done nothing of account since the last look."""
        self.falls_asleep()
        busy = getattr(self.state.work, "busy", False)  # it wants to be asked, which is what makes it go on
        last = self.record.last
        if busy or self.nap is None or last is None or self.nap.ran - last.ran > HARDLY:
            return False
        if not waits_for_work(frame_of(self.state.ident), self.state.base):
            return False
        self.record.still(now)
        self.alive_at = max(self.alive_at, now)
        return True

    def falls_asleep(self) -> None:
        """It is about to be looked at. Whatever its thread does from here on shows on that thread's clock."""
        self.nap = None
        try:
            if self.state.native is not None:
                clock = env.cpu_clock(self.state.native)
                self.nap = Nap(clock, time.clock_gettime(clock), self.due)
        except OSError:
            return

    def waits_for_answer(self, loop: Any) -> None:
        """Have the loop give a sign of life."""
        try:
            loop.call_soon_threadsafe(self.state.pong)
            self.waiting = True
        except RuntimeError:
            self.waiting = False  # it was closed meanwhile

    @property
    def due(self) -> float:
        """When it is to be asked though it looks idle."""
        return self.asked_at + self.ask_in

    def dozed(self, asked_at: float, put_at: float, alive_at: float, answered_at: float) -> None:
        """Looks without the GIL found it alive at that time, and asked it: at last when it was `put_at`.

        `asked_at` is of a question that has not been answered; 0 where there is none.
        """
        state, self.waiting = self.state, asked_at > 0
        self.alive_at = max(self.alive_at, alive_at)
        self.answered_at = max(self.answered_at, answered_at)
        self.pongs = state.pongs
        if self.waiting:
            state.asked_at = asked_at
            if answered_at >= asked_at:
                self.pongs -= 1  # since they looked
        if put_at > self.asked_at:
            # What ran when it was put is not known: it may be what runs now.
            self.asked_at, self.asked_idle, self.asked_key = put_at, True, None
            self.stirs()

    @property
    def previous(self) -> object:
        """The key of the callback that was seen last, None where it has ended."""
        if self.hold is not None and self.hold.current is not None:
            return self.hold.current.key
        return self.asked_key if self.waiting else None

    def silent(self, key: object, now: float, gap: Gap) -> Hold:
        """What keeps it from answering, beginning with the callback seen now."""
        if self.hold is None:
            self.hold = Hold(*self._began(key, now, gap))
        return self.hold

    def _began(self, key: object, now: float, gap: Gap) -> tuple[float, float]:
        """Between which times the callback began that is the first to be seen."""
        if self.waiting and not self.asked_idle and (key is None or key != self.asked_key):
            return self.asked_at, max(self.asked_at, gap.due if gap.cause == "gil" else now)
        # A look that came late was kept from coming by what began before it was due.
        first = self.asked_at if self.waiting else gap.due
        slack = max(0.0, first - gap.since)
        return self.alive_at, max(self.alive_at, min(first, self.alive_at + max(self.period, slack)))
