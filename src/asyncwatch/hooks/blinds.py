"""The times in which the watcher could not look, and what can be known of them afterwards.

Who holds the GIL gives it away at the first call, jump or function start after native code ends, and the watcher,
which asked for it all the while, runs right there. So a thread whose innermost frame then stands at a call has just
come out of that call. Where it stands at something else only a dump made meanwhile can tell.
https://github.com/python/cpython/blob/3.11/Python/ceval.c (CHECK_EVAL_BREAKER)
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from types import CodeType

from asyncwatch import plain
from asyncwatch.frames import Frame, Place, RawFrame, may_stand_between, resolve, stands_at_call
from asyncwatch.hooks import walks
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.hold import Blind, Look, Segment, Stack
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.natives import FLOOR, Natives
from asyncwatch.hooks.pulse import ENOUGH_NAPS, TURNS, Gap, Pulse, is_late
from asyncwatch.hooks.quota import Quota
from asyncwatch.hooks.stacks import below_loop, in_ours, is_select, program_places, thread_name, without_ours
from asyncwatch.hooks.vitals import Others, Vitals

# The kernel looks at timers on a CPU clock when its own clock ticks: this often, at least.
TICK = 0.01
# So many may miss a thread that had to share its CPU.
TICKS = 3
# The part of the time on a CPU that asking for the GIL may take.
ASKING = 0.1
# The part of the time on a CPU that makes a thread the one that held the GIL.
MOST = 0.5
# CPU seconds in which a thread may begin something else.
MOVED = 0.01
# Modules whose functions wait without the GIL.
_WAITING = ("/threading.py", "/queue.py", "/selectors.py", "/socket.py", "/ssl.py", "/concurrent/futures/thread.py")


class Blinds:
    """One look's lateness, and what it means for each loop."""

    def __init__(self, pulse: Pulse, natives: Natives, collector: Collector, quota: Quota) -> None:
        self.pulse = pulse
        self.quota = quota
        self._natives = natives
        self._collector = collector
        self.others = Others()
        self._dumps: list[tuple[Frame, ...]] = []
        self._stacks: dict[int, Stack] = {}
        self.snapshot = walks.Snapshot()  # of the moment at which the watcher woke
        self._ours: set[int] = set()  # the threads that were in Python of ours then
        self.explained = False
        self.gap = Gap(0.0, 0.0, 0.0)
        # Whether a look has lost the GIL, and the next repeats it: who held the GIL has gone on since. And whether it
        # had judged no loop, so that what was written down is still to be used.
        self._again = self._unused = False
        self.judged = False  # whether this look has judged a loop
        self.passed: list[tuple[tuple[RawFrame, ...], int]] = []  # the main thread's answers, as in `Natives.passed`

    def wakes(self, now: float) -> bool:
        """A look begins. Who gave the GIL away stands still until we give it back. Whether it comes too late.

        Where a file can only be read without it that is at once, and it may be gone for long, as it may in any look
        that takes longer than a switch interval: dumps are made during a look as well.
        """
        gap = self.gap = self.pulse.woke(now)
        again, self._again, self.judged = self._again, False, False
        self._stacks.clear()
        late = bool(gap.cause) and gap.late >= TURNS * sys.getswitchinterval()
        if late and gap.cause == "gil" and not again:
            written = self.snapshot.stacks()
            self._stacks = {ident: without_ours(program_places(places)) for ident, places in written.items()}
            self._ours = {ident for ident, places in written.items() if in_ours(places)}
        return late

    def begin(self, states: Iterable[LoopState]) -> None:
        """The look goes on with what costs the GIL."""
        if not self._unused:
            self._dumps.clear()
            self.passed.clear()
        self._unused = False
        self._dumps += self._natives.taken()
        self.passed += self._natives.passed
        self._natives.arm_again()
        # Without a loop the main thread may get ready for one.
        self.others.look({state.ident for state in states} or {threading.main_thread().ident or 0})
        self.explained = False

    @property
    def elsewhere(self) -> float:
        """Seconds in all in which others than the loops' threads can have had the GIL: they ran, or we were put off."""
        return self.others.total + self.pulse.held

    def lost(self, now: float) -> bool:
        """Whether the GIL was gone in the middle of this look, which has to be repeated then."""
        self._again = is_late(self.gap.now, now)
        if self._again:
            self.pulse.interrupted(judged=self.judged)
            self._unused = not self.judged
        return self._again

    def moved(self, before: Vitals | None, ran: float | None) -> bool:
        """Whether the loop's thread can have gone on to something else between when this look was due and when it came,
        having `ran` for so long by then."""
        if before is None or ran is None:
            return True
        return ran - before.ran - (self.gap.due - self.gap.since) >= MOVED

    def end(self) -> None:
        """The look is over; lateness that one thread's native code does not explain must be reckoned with."""
        busy = sum(seconds >= TURNS * sys.getswitchinterval() for seconds in self.others.used.values())
        if self.gap.cause and not self.explained and (self.gap.cause != "gil" or busy):
            self.pulse.unexplained(self.gap.late)

    def of(self, state: LoopState, before: Vitals | None, now: Vitals | None) -> Blind | None:
        """What this look's lateness was for one loop; None when it was punctual, or it was nothing for that loop."""
        blind = self._of(state, before, now)
        if blind is not None and blind.cause == "stopped":
            return plain.replace(blind, waited=_waited(before, now))
        return blind

    def _of(self, state: LoopState, before: Vitals | None, now: Vitals | None) -> Blind | None:
        gap = self.gap
        ran = now.ran - before.ran if before is not None and now is not None else None
        if not gap.cause or gap.late < TURNS * sys.getswitchinterval():
            if gap.looked < TURNS * sys.getswitchinterval() or not self._waited_for_the_gil(before, now, gap.looked):
                return None
            # We held it up: the watcher itself had no CPU while it had the GIL.
            return Blind(gap.looked, gap.since - gap.looked, gap.since - gap.looked, "stopped")
        if gap.cause != "gil":
            return Blind(gap.late, gap.since, gap.due, gap.cause)
        stack = self.dumped(state, state.base) if ran is None or ran >= FLOOR else ()
        collected = self._collected()
        # Else no single call kept the GIL all the time, and who has it now says nothing of who had it.
        single = collected or not gap.shared
        answered = bool(self.passed) and state.native == os.getpid()
        if not stack and answered and single:
            stack = self.polled(state, state.base)
        if not stack and not collected and self._had_no_cpu(before, now):
            return Blind(gap.late, gap.since, gap.due, "stopped")
        if not stack and not single:
            return Blind(gap.late, gap.since, gap.due, "unknown")
        if not stack and self._waited_for_the_gil(before, now, gap.late):
            return self._held_off()
        if not stack and not answered and (ran is None or self._may_have_held(ran)):
            stack = self._just_left(state)
        if not stack and collected:
            stack = self._at_wake(state)
        if stack:
            self.explained = True
            return Blind(gap.late, gap.since, gap.due, "gil", stack)
        return Blind(gap.late, gap.since, gap.due, "unknown")

    def _had_no_cpu(self, before: Vitals | None, now: Vitals | None) -> bool:
        """With the GIL or without it, the loop's thread wanted to go on and could not."""
        return _waited(before, now) >= MOST * self.gap.late

    def _may_have_held(self, ran: float) -> bool:
        """Whether it can be the loop's thread that had the GIL, having used so much of its CPU."""
        if ran >= self._natives.margin + TICKS * TICK:
            return False  # that would have been written down
        # It may hold the GIL and sleep, or sleep while a thread holds it that came to run, and was kept from going on.
        return ran >= MOST * self.gap.late or not any(self.others.used.values())

    def _collected(self) -> bool:
        """Whether the collector explains it, which calls us when it ends: the thread still stands where it ran."""
        gap = self.gap
        return sum(run.seconds for run in self._collector.between(gap.due, gap.now)) >= MOST * gap.late

    @staticmethod
    def _waited_for_the_gil(before: Vitals | None, now: Vitals | None, seconds: float) -> bool:
        """Whether the loop's thread itself napped and asked, as one does that wants the GIL, and did not compute."""
        if before is None or now is None or now.ran - before.ran >= ASKING * seconds:
            return False
        return now.turns - before.turns >= ENOUGH_NAPS * seconds / sys.getswitchinterval()

    def _held_off(self) -> Blind:
        """Another thread held the GIL: the one that computed, if it stands where native code just ended."""
        gap = self.gap
        ident = self._holder()
        stack = self._foreign(ident)
        if not stack:
            return Blind(gap.late, gap.since, gap.due, "unknown")
        self.explained = True
        return Blind(gap.late, gap.since, gap.due, "gil", stack, thread_name(ident))

    def _holder(self) -> int:
        """The thread that computed for most of the time, else the only one that ran at all; 0 when that is unclear."""
        used = self.others.used
        ran = [ident for ident, seconds in used.items() if seconds > 0]
        most = max(ran, key=used.__getitem__, default=0)
        return most if len(ran) == 1 or used.get(most, 0.0) >= MOST * self.gap.late else 0

    def _foreign(self, ident: int) -> Stack:
        """Where another thread stood with the GIL, if it has just left a call. No dump is made of it: no proof."""
        if not ident or ident in self._ours:
            return ()
        stack = self._stacks.get(ident, ())
        if not stack or not stands_at_call(stack[0]):
            return ()
        # It has gone on, and waits for something that gives the GIL away.
        return () if resolve(stack[0]).file.endswith(_WAITING) else stack

    def dumped(self, state: LoopState, base: CodeType | None) -> Stack:
        """A stack that was written down, of the main thread as all are, if the loop is that thread's."""
        dumps = self._dumps if state.native == os.getpid() else ()
        return next(filter(None, (below_loop(dump, base) for dump in dumps)), ())

    def _at_wake(self, state: LoopState) -> Stack:
        """The loop thread's stack inside its callback when the watcher got the GIL; empty where it was in none."""
        stack = below_loop(self._stacks.get(state.ident, ()), state.base)
        innermost = stack[0] if stack else None
        return () if isinstance(innermost, tuple) and is_select(innermost[0]) else stack

    def _just_left(self, state: LoopState) -> Stack:
        """The same, if its innermost frame stood at a call."""
        stack = self._at_wake(state)
        return stack if stack and state.ident not in self._ours and stands_at_call(stack[0]) else ()

    def polled(self, state: LoopState, base: CodeType | None) -> Stack:
        """The stack at its answers, if it stood at one instruction at each: native code may answer, as `re` does."""
        stacks = [below_loop(stack, base) for stack, _ in self.passed]
        places = {stack[0] if stack else None for stack in stacks}
        place = places.pop() if len(places) == 1 else None
        if place is None or may_stand_between(place):
            return ()
        # After a call the interpreter answers as well: then it must be one callback, in which this call was all, or the
        # same call must be the one that has just ended.
        wake = self._at_wake(state)
        one = len(stacks) > 1 and len({turns for _, turns in self.passed}) == 1
        return stacks[-1] if one or not stands_at_call(place) or (wake and wake[0] == place) else ()

    @staticmethod
    def same_callback(blind: Blind, look: Look) -> bool:
        """Whether the callback seen now is the one in which the watcher could not look."""
        if blind.cause != "gil" or blind.holder is not None:
            return look.key is not None
        return bool(look.stack) and _same_function(blind.stack[-1], look.stack[-1])

    @staticmethod
    def follows(blind: Blind, segment: Segment | None) -> bool:
        """Whether the callback seen before is the one in which the watcher could not look."""
        if segment is None or not segment.stacks or blind.holder is not None or not blind.stack:
            return False
        last = next(reversed(segment.stacks))
        return bool(last) and _same_function(blind.stack[-1], last[-1])


def _waited(before: Vitals | None, now: Vitals | None) -> float:
    """Seconds that the loop's thread wanted a CPU and had none; none where nobody counts them."""
    return now.waited - before.waited if before is not None and now is not None else 0.0


def _same_function(one: Place, other: Place) -> bool:
    first, second = resolve(one), resolve(other)
    return (first.file, first.function) == (second.file, second.function)
