"""The watcher: a thread that looks at every loop, asks the busy ones for a sign of life and samples the silent.

It looks; it does not touch. An idle loop is recognised by its frame and is asked only now and then, a busy one is
asked at each look through `call_soon_threadsafe`. When the watcher itself could not look it finds out why: what it
then says of a loop is what was written down meanwhile (`natives`), or what the first glance afterwards proves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.events import TaskFacts
from asyncwatch.frames import resolve
from asyncwatch.hooks.blinds import Blinds
from asyncwatch.hooks.eye import PERIOD, Eye
from asyncwatch.hooks.hold import SAMPLING, Blind, Hold, Look, frame_of
from asyncwatch.hooks.lags import Lags
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.stacks import is_callback_code, is_select, running_thread
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.hooks.verdicts import Verdicts
from asyncwatch.hooks.vitals import Record, still, vitals

PART = "hooks.watchdog"

SHORTEST = 0.001
# A loop that looks idle is asked all the same this often: a built-in function as callback has no frame of its own.
ASK_IDLE = 0.25


class Watchdog:
    """Looks at all loops; `look` is called by the watcher's thread."""

    def __init__(
        self, loops: Loops, blinds: Blinds, verdicts: Verdicts, ledger: Ledger, now: Callable[[], float]
    ) -> None:
        self._loops = loops
        self._blinds = blinds
        self._verdicts = verdicts
        self._ledger = ledger
        self._facts = ledger.facts
        self._now = now
        self._current = env.current_task_getter()
        self._eyes: dict[int, Eye] = {}
        self._quiet: Eye | None = None
        self.lags = Lags()
        self.period = PERIOD

    def is_quiet(self, now: float) -> bool:
        """Whether nothing has happened since the last look: the only loop waits, as it did, and has hardly run.

        An idle program is looked at forty times a second, at this price and little else.
        """
        eye = self._quiet
        if eye is None or now - eye.asked_at >= ASK_IDLE or not self._blinds.pulse.is_punctual(now):
            return False
        if not self._looks_idle(eye.state) or not still(eye.state.native, eye.record.last):
            return False
        eye.record.still(now)
        self._blinds.others.look({eye.state.ident})
        eye.alive_at = max(eye.alive_at, now)
        self.lags.add(0.0, eye.period)
        return True

    def look(self, now: float) -> float:
        """One look at every loop; returns the seconds until the next."""
        self._quiet = None
        period = PERIOD
        states = list(self._loops)
        eye: Eye | None = None
        self._blinds.begin(now, states)
        for state in states:
            loop = state.ref()
            eye = self._eyes.get(state.number)
            if loop is None or loop.is_closed():
                self._loops.forget(state)
                if eye is not None:
                    self._stopped(eye, now)
                    del self._eyes[state.number]
                continue
            if eye is None:
                eye = self._eyes[state.number] = Eye(state, now)
            if loop.is_running():
                period = min(period, self._look_at(eye, loop, now))
            else:
                self._stopped(eye, now)
                eye.alive_at, eye.sure = now, False
        self._blinds.end()
        if len(self._eyes) == 1 and eye is not None and eye.idle and not eye.waiting:
            self._quiet = eye
        self.period = period
        return period

    def running(self) -> list[int]:
        """The native ids of the threads whose loops run."""
        return [eye.state.native for eye in self._eyes.values() if eye.state.native is not None]

    def _look_at(self, eye: Eye, loop: Any, now: float) -> float:
        state = eye.state
        self._find_thread(eye, loop)
        eye.threshold = float(loop.slow_callback_duration)
        eye.period = max(SHORTEST, min(PERIOD, eye.threshold / 4))
        before = eye.record.last
        if still(state.native, before):
            eye.record.still(now)
        else:
            eye.record.add(now, vitals(state.native), self._verdicts.throttled(), self._blinds.others.total)
        eye.idle = idle = self._looks_idle(state)
        blind = self._blinds.of(state, before, eye.record.last, idle=idle)
        answered_at = state.pong_at if state.pongs != eye.pongs else 0.0
        if eye.waiting and answered_at and (blind is None or answered_at < blind.due):
            self._answered(eye, answered_at)
        if blind is not None and (eye.waiting or blind.stack or (blind.cause == "stopped" and not idle)):
            self._look_back(eye, loop, blind, idle=idle)
        elif blind is not None and blind.cause == "unknown":
            self._verdicts.unexplained(blind.seconds, eye.threshold)
        if eye.waiting and answered_at:
            self._answered(eye, answered_at)
        if eye.waiting:
            self._sample(eye, loop, now)
            return max(SHORTEST, min(SAMPLING, eye.period))
        if idle:
            if eye.hold is not None:
                self.lags.add(now - eye.hold.began, eye.period)
                self._verdicts.of(eye, now)
            eye.alive_at = max(eye.alive_at, now)
            self.lags.add(0.0, eye.period)
        if not idle or eye.hold is not None or now - eye.asked_at >= ASK_IDLE or getattr(state.work, "busy", False):
            self._ask(eye, loop, now)
        return eye.period

    def _find_thread(self, eye: Eye, loop: Any) -> None:
        """Another thread may run it than made it or ran it last; only asyncio's own loops know, the others tell."""
        ident = getattr(loop, "_thread_id", None)
        if ident is None and (not eye.sure or (eye.waiting and eye.hold is None)):
            taken = {other.state.ident for other in self._eyes.values() if other is not eye and other.sure}
            ident = running_thread(loop, self._task(loop), taken)
        if ident is not None and ident != eye.state.ident:
            eye.state.enter(ident)
            eye.record = Record()

    def _looks_idle(self, state: LoopState) -> bool:
        frame = frame_of(state.ident)
        if frame is None:
            return False
        code = frame.f_code
        if code is state.base:
            # uvloop waits in C, directly below whoever runs it; asyncio's own handle runs a built-in function.
            return not is_callback_code(code)
        return is_select(code)

    def _ask(self, eye: Eye, loop: Any, now: float) -> None:
        eye.pongs = eye.state.pongs
        eye.asked_at = now
        if eye.hold is None:
            eye.alive_at = max(eye.alive_at, eye.state.pong_at)
        try:
            loop.call_soon_threadsafe(eye.state.pong)
        except RuntimeError:
            return  # it was closed meanwhile
        eye.waiting = True

    def _hold(self, eye: Eye) -> Hold:
        if eye.hold is None:
            # A look that came late was kept from coming by what began before it was due.
            first = eye.asked_at if eye.waiting else self._blinds.gap.due
            eye.hold = Hold(eye.alive_at, min(first, eye.alive_at + max(eye.period, self._blinds.slack(first))))
        return eye.hold

    def _glance(self, eye: Eye, loop: Any) -> tuple[Look, Any]:
        task = self._task(loop)
        current = eye.hold.current if eye.hold is not None else None
        return Look(frame_of(eye.state.ident), task, eye.state.base, current, traced=eye.state.traced), task

    def _task(self, loop: Any) -> Any:
        try:
            return self._current(loop)
        except RuntimeError:
            return None

    def _look_back(self, eye: Eye, loop: Any, blind: Blind, *, idle: bool) -> None:
        """The watcher could not look until now: what is known of that time."""
        hold = self._hold(eye)
        look, task = self._glance(eye, loop)
        key = look.key if not idle and Blinds.same_callback(blind, look) else None
        current = hold.current
        if key is None:
            fresh = blind.cause == "gil" and not Blinds.follows(blind, current)
            hold.blind(blind, object(), self._facts_of(blind), fresh=fresh)
        else:
            fresh = current is None or current.key != key
            if blind.cause == "unknown" and eye.waiting and not fresh:
                # The loop has not answered and is where it was: it went on with this all the time.
                blind = dataclasses.replace(blind, cause="code")
            hold.blind(blind, key, self._facts(task) if task is not None and fresh else None, fresh=fresh)

    def _facts_of(self, blind: Blind) -> TaskFacts | None:
        """The task whose step was written down and is over."""
        if not blind.stack or blind.holder is not None:
            return None
        root = resolve(blind.stack[-1])
        return self._ledger.running(root.file, root.function)

    def _sample(self, eye: Eye, loop: Any, now: float) -> None:
        """Look into a loop that was asked and has not answered."""
        hold = self._hold(eye)
        look, task = self._glance(eye, loop)
        if look.key is None:
            hold.look_nowhere(now)
            return
        known = hold.current is not None and hold.current.key == look.key
        hold.look(look, now, None if task is None or known else self._facts(task))
        self._verdicts.while_it_lasts(eye, now)

    def _stopped(self, eye: Eye, now: float) -> None:
        """The loop does not turn now; a hold that was its last step is complete all the same."""
        if eye.waiting and eye.state.pongs != eye.pongs:
            self._answered(eye, eye.state.pong_at)
        elif eye.waiting:
            self._answered(eye, now if eye.hold is None else (eye.hold.looked_at + now) / 2)

    def _answered(self, eye: Eye, end: float) -> None:
        """The loop lives again since `end`: what kept it is complete."""
        since = eye.asked_at if eye.hold is None else min(eye.asked_at, eye.hold.began)
        self.lags.add(max(0.0, end - since), eye.period)
        self._verdicts.of(eye, end)
        eye.waiting, eye.alive_at, eye.sure = False, end, True
        eye.answered_at = end

    def claim(self, loop: Any, duration: float) -> bool:
        """asyncio itself measured a slow callback that just ended: is it one that will be reported from samples?

        Called on the loop's thread. If so, its length is taken over from there.
        """
        state = self._loops.state(loop)
        eye = self._eyes.get(state.number) if state is not None else None
        if eye is None or eye.hold is None or not eye.waiting:
            return False
        if not eye.hold.segments:
            eye.hold.told = True
            return False
        segment = eye.hold.measured(duration, self._now(), 2 * PERIOD)
        if segment is None or not segment.explained(duration) or segment.exact is not None:
            return False
        if segment.placeless:
            segment.told = True  # asyncio knows at least who scheduled it
            return False
        segment.exact = duration
        return True

    def after_fork(self) -> None:
        self._eyes.clear()
        self._quiet = None
