"""The watcher: a thread that looks at every loop, asks the busy ones for a sign of life and samples the silent.

It looks; it does not touch. An idle loop is recognised by its frame and is asked only now and then, a busy one is
asked at each look through `call_soon_threadsafe`. What the watcher cannot see is native code that holds the GIL:
then it does not run itself, and it says so instead of blaming the line after.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.events import StepHeld, TaskFacts
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.hold import Hold, Look, Segment, frame_of
from asyncwatch.hooks.loops import Loops, LoopState

PART = "hooks.watchdog"

# How often a quiet program is looked at, and how often a silent loop is sampled; shorter for a short threshold.
PERIOD = 0.025
SAMPLING = 0.010
SHORTEST = 0.001
# A loop that looks idle is asked all the same this often: a built-in function as callback has no frame of its own.
ASK_IDLE = 0.25


class Eye:
    """The watcher's view of one loop."""

    def __init__(self, state: LoopState) -> None:
        self.state = state
        self.asked_at = 0.0
        self.waiting = False
        self.pongs = state.pongs
        self.alive_at = time.monotonic()
        self.hold: Hold | None = None
        self.schedule: tuple[float, float] | None = None
        self.threshold = 0.1


class Watchdog:
    """Looks at all loops; `look` is called by the watcher's thread."""

    def __init__(self, loops: Loops, bus: Bus, facts: Callable[[Any], TaskFacts]) -> None:
        self._loops = loops
        self._bus = bus
        self._facts = facts
        self._current = env.current_task_getter()
        self._eyes: dict[int, Eye] = {}
        self.unexplained = 0
        self.longest_unexplained = 0.0
        self.period = PERIOD

    def look(self, now: float) -> float:
        """One look at every loop; returns the seconds until the next."""
        period = PERIOD
        for state in self._loops:
            loop = state.ref()
            eye = self._eyes.get(state.number)
            if loop is None or loop.is_closed():
                self._loops.forget(state)
                if eye is not None:
                    self._stopped(eye, now)
                    del self._eyes[state.number]
                continue
            if eye is None:
                eye = self._eyes[state.number] = Eye(state)
            if loop.is_running():
                period = min(period, self._look_at(eye, loop, now))
            else:
                self._stopped(eye, now)
                eye.alive_at = now
        self.period = period
        return period

    def _look_at(self, eye: Eye, loop: Any, now: float) -> float:
        state = eye.state
        threshold = eye.threshold = float(loop.slow_callback_duration)
        period = max(SHORTEST, min(PERIOD, threshold / 4))
        if eye.waiting and state.pongs != eye.pongs:
            self._answered(eye, state.pong_at)
        if eye.waiting:
            return max(SHORTEST, min(self._sample(eye, loop, now), period))
        idle = self._looks_idle(state)
        if idle:
            eye.alive_at = max(eye.alive_at, now)
        if not idle or now - eye.asked_at >= ASK_IDLE or self._wants_work(state):
            self._ask(eye, loop, now)
        return period

    def _looks_idle(self, state: LoopState) -> bool:
        frame = frame_of(state.ident)
        if frame is None:
            return False
        code = frame.f_code
        if code is state.base:
            return True  # uvloop waits in C, directly below whoever runs it
        return code.co_name == "select" and code.co_filename.endswith(("selectors.py", "windows_events.py"))

    def _wants_work(self, state: LoopState) -> bool:
        return bool(getattr(state.work, "busy", False))

    def _ask(self, eye: Eye, loop: Any, now: float) -> None:
        eye.pongs = eye.state.pongs
        eye.asked_at = now
        eye.hold = None
        eye.alive_at = max(eye.alive_at, eye.state.pong_at)
        eye.schedule = schedule(eye.state)
        try:
            loop.call_soon_threadsafe(eye.state.pong)
        except RuntimeError:
            return  # it was closed meanwhile
        eye.waiting = True

    def _sample(self, eye: Eye, loop: Any, now: float) -> float:
        """Look into a loop that was asked and has not answered."""
        if eye.hold is None:
            eye.hold = Hold(eye.alive_at, eye.asked_at, self.period)
        hold = eye.hold
        try:
            task = self._current(loop)
        except RuntimeError:
            task = None
        look = Look(frame_of(eye.state.ident), task, eye.state.base, hold.current, traced=eye.state.traced)
        if look.key is not None:
            known = hold.current is not None and hold.current.key == look.key
            facts = None if task is None or known else self._facts(task)
            hold.add(look, now, self.period, facts)
        else:
            hold.looked_at = now
        return SAMPLING

    def _stopped(self, eye: Eye, now: float) -> None:
        """The loop does not turn now; a hold that was its last step is complete all the same."""
        if not eye.waiting:
            return
        if eye.state.pongs != eye.pongs:
            self._answered(eye, eye.state.pong_at)
        else:
            self._answered(eye, now if eye.hold is None else (eye.hold.looked_at + now) / 2)

    def _answered(self, eye: Eye, end: float) -> None:
        """The loop lives again since `end`: what kept it is complete."""
        hold, threshold = eye.hold, eye.threshold
        eye.waiting, eye.alive_at, eye.hold = False, end, None
        if hold is None:
            if end - eye.asked_at >= threshold:
                self._unexplained(end - eye.asked_at)
            return
        hold.close(end, self.period)
        ends = [*(segment.began for segment in hold.segments[1:]), end]
        for segment, until in zip(hold.segments, ends, strict=False):
            self._finish(eye, segment, until - segment.began, threshold)
        if not hold.segments and end - eye.asked_at >= threshold:
            self._unexplained(end - eye.asked_at)

    def _finish(self, eye: Eye, segment: Segment, duration: float, threshold: float) -> None:
        if segment.exact is not None:
            duration = segment.exact
        if duration < threshold or segment.told:
            return
        if not segment.explained(duration):
            self._unexplained(duration)
            return
        before, after = eye.schedule, schedule(eye.state)
        ran = waited = None
        if before is not None and after is not None:
            ran, waited = max(0.0, after[0] - before[0]), max(0.0, after[1] - before[1])
        self._bus.emit(
            StepHeld(
                eye.state.facts,
                duration,
                threshold,
                tuple(segment.stacks.most_common()),
                segment.task,
                ran,
                waited,
                segment.exact is not None,
            )
        )

    def _unexplained(self, duration: float) -> None:
        self.unexplained += 1
        self.longest_unexplained = max(self.longest_unexplained, duration)

    def claim(self, loop: Any, duration: float) -> bool:
        """asyncio itself measured a slow callback that just ended: is it one that will be reported from samples?

        Called on the loop's thread. If so, its length is taken over from there.
        """
        state = self._loops.state(loop)
        eye = self._eyes.get(state.number) if state is not None else None
        segment = eye.hold.current if eye is not None and eye.hold is not None and eye.waiting else None
        if segment is None or not segment.explained(duration) or segment.exact is not None:
            return False
        if segment.placeless:
            segment.told = True  # asyncio knows at least who scheduled it
            return False
        now = self._bus.now()
        if now - segment.seen_at > 5 * SAMPLING or abs(now - segment.began - duration) > 2 * PERIOD:
            return False  # what was seen is another callback than the one that was measured
        segment.exact = duration
        return True

    def after_fork(self) -> None:
        self._eyes.clear()


def schedule(state: LoopState) -> tuple[float, float] | None:
    """Seconds the loop's thread has run so far, and seconds it was runnable without a CPU; None where nobody says."""
    if not env.SCHEDSTAT or state.native is None:
        return None
    try:
        with open(f"/proc/self/task/{state.native}/schedstat", "rb") as file:
            ran, waited = file.read().split()[:2]
        return int(ran) / 1e9, int(waited) / 1e9
    except (OSError, ValueError):
        return None
