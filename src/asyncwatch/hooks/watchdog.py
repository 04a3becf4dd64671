"""The watcher: a thread that looks at every loop, asks the busy ones for a sign of life and samples the silent.

It looks; it does not touch. An idle loop is recognised by its frame and is asked only now and then, a busy one is
asked at each look through `call_soon_threadsafe`. When the watcher itself could not look it finds out why: what it
then says of a loop is what was written down meanwhile (`natives`), or what the first glance afterwards proves.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from asyncwatch import env, plain
from asyncwatch.events import TaskFacts
from asyncwatch.hooks.blinds import Blinds
from asyncwatch.hooks.claims import Claims
from asyncwatch.hooks.endings import last_step
from asyncwatch.hooks.eye import ASK_IDLE, PERIOD, SHORTEST, Eye, Nap
from asyncwatch.hooks.hold import SAMPLING, Blind, Look, frame_of
from asyncwatch.hooks.lags import Lags
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.pulse import is_late
from asyncwatch.hooks.stacks import running_thread, waits_for_work
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.hooks.trio_runs import TrioRun
from asyncwatch.hooks.verdicts import Verdicts
from asyncwatch.hooks.vitals import ran

PART = "hooks.watchdog"


class Watchdog:
    """Looks at all loops; `look` is called by the watcher's thread."""

    def __init__(
        self, loops: Loops, blinds: Blinds, verdicts: Verdicts, ledger: Ledger, now: Callable[[], float]
    ) -> None:
        self._loops, self._blinds, self._verdicts = loops, blinds, verdicts
        self._ledger, self._facts, self._now = ledger, ledger.facts, now
        self.longest = ASK_IDLE  # without a question to a loop that does nothing
        self._current = env.current_task_getter()
        self._eyes: dict[int, Eye] = {}
        self.claim = Claims(loops, self._eyes, blinds.pulse, now).claim
        self._quiet: Eye | None = None
        self.lags = Lags()
        self.period = PERIOD

    def is_quiet(self, now: float) -> bool:
        """Whether nothing of account has happened since the last look."""
        eye = self._quiet
        if eye is None or eye.is_due(now) or not self._blinds.pulse.is_punctual(now):
            return False
        if not eye.sleeps_on(now):
            return False
        self._blinds.others.look({eye.state.ident})
        self.lags.none()
        return True

    def alone(self) -> Eye | None:
        """The one loop there is, None where there are none or more."""
        return next(iter(self._eyes.values())) if len(self._eyes) == 1 else None

    def wakes_up(self) -> None:
        """Something has happened: the next look is a whole one."""
        self._quiet = None

    def nap(self) -> Nap | None:
        """What to watch for while nobody looks, after a look that was quiet; None when that is not enough."""
        eye = self._quiet
        if eye is not None and len(threading._active) > 1:  # type: ignore[attr-defined]
            eye.stirs()  # what it does between two looks would not show
            return None
        return eye.nap if eye is not None else None

    def napped(self, until: float, times: int, *, stirred: bool) -> None:
        """So many looks, the last of them then, would have found that nobody had run; `stirred` when one has since."""
        if self._quiet is not None:
            self._quiet.napped(until, stirred=stirred)
        self.lags.none(times)

    def look(self, now: float, *, to_the_end: bool = True) -> float:
        """One look at every loop; returns the seconds until the next. Unless `to_the_end` one that loses the GIL, so
        that it would be of two times, is over at once and to be repeated."""
        self._quiet = None
        period = PERIOD
        states = self._loops.every()
        eye: Eye | None = None
        for state in states:
            if state.number not in self._eyes:
                self._eyes[state.number] = Eye(state, state.born, self.longest)
        if self._blinds.wakes(now):
            for eye in self._eyes.values():
                eye.at_wake = self._wakes(eye, now)
        self._blinds.begin(states)
        for state in states:
            if not to_the_end and not self._blinds.judged and is_late(self._blinds.gap.now, self._now()):
                return period
            self._blinds.judged = True
            loop, eye = state.ref(), self._eyes[state.number]
            if loop is None or loop.is_closed():
                self._loops.forget(state)
                self._stopped(eye, now)
                del self._eyes[state.number]
                continue
            if loop.is_running():
                eye.runs = True
                period = min(period, self._look_at(eye, loop, self._now()))
            else:
                self._stopped(eye, now)
                eye.runs, eye.alive_at, eye.sure = False, now, False
        self._blinds.end()
        if len(self._eyes) == 1 and eye is not None and eye.idle and not eye.waiting:
            self._quiet = eye
        self.period = period
        return period

    def running(self) -> tuple[list[int], bool]:
        """The native ids of the threads that have loops; and whether one ran in the main thread at the last look."""
        eyes, main = list(self._eyes.values()), os.getpid()
        return [eye.state.native or 0 for eye in eyes], any(eye.runs and eye.state.native == main for eye in eyes)

    def _look_at(self, eye: Eye, loop: Any, now: float) -> float:
        state = eye.state
        self._find_thread(eye, loop)
        eye.measures(loop)
        before = eye.notes(now, self._verdicts.throttled, self._blinds.elsewhere)
        eye.idle = idle = waits_for_work(frame_of(state.ident), state.base)
        if idle:
            state.rests(eye.pongs, now)
        blind = self._blinds.of(state, before, eye.record.last)
        answered_at = state.pong_at if eye.waiting and state.pongs != eye.pongs else 0.0
        if answered_at and (blind is None or answered_at < blind.due):
            self._answered(eye, answered_at)
        if blind is not None and (eye.waiting or blind.stack or (blind.cause == "stopped" and not idle)):
            if eye.at_wake[0] is None:
                eye.at_wake = self._wakes(eye, now)
            over = idle or (eye.waiting and answered_at > 0)
            self._look_back(eye, blind, over=over, moved=self._blinds.moved(before, eye.ran))
        elif blind is not None and blind.cause == "unknown":
            self._verdicts.unexplained(blind.seconds, eye.threshold)
        eye.at_wake = None, None
        if eye.waiting and answered_at:
            self._answered(eye, answered_at)
        if eye.waiting:
            if blind is None or not blind.stack:  # else native code has just ended: it may answer now
                self._sample(eye, loop, now)
            return max(SHORTEST, min(SAMPLING, eye.period))
        if idle:
            if eye.hold is not None:
                self.lags.add(now - eye.hold.began, eye.period)
                self._verdicts.of(eye, now)
            eye.alive_at = max(eye.alive_at, now)
            self.lags.none()
        if eye.is_to_be_asked(now, answered=answered_at > 0, busy=getattr(state.work, "busy", False)):
            self._ask(eye, loop, now)
        return eye.period

    def _wakes(self, eye: Eye, now: float) -> tuple[Look | None, TaskFacts | None]:
        """What a loop's thread was doing when the watcher, which had not been able to look, could do so again."""
        loop = eye.state.ref()
        if loop is None or not loop.is_running():
            return None, None
        look, task = self._glance(eye, loop, now)
        eye.ran = ran(eye.state.native)
        return look, None if task is None else self._facts(task)

    def _find_thread(self, eye: Eye, loop: Any) -> None:
        """Another thread may run it than made it or ran it last; only asyncio's own loops know, the others tell."""
        ident = getattr(loop, "_thread_id", None)
        if ident is None and (not eye.sure or (eye.waiting and eye.hold is None)):
            taken = {other.state.ident for other in self._eyes.values() if other is not eye and other.sure}
            ident = running_thread(loop, self._task(loop), taken)
        if ident is not None and ident != eye.state.ident:
            eye.enters(ident)

    def _ask(self, eye: Eye, loop: Any, now: float) -> None:
        look, _ = (None, None) if eye.idle else self._glance(eye, loop, now)
        eye.asks(self._now(), look.key if look is not None else None)
        eye.waits_for_answer(loop)

    def _glance(self, eye: Eye, loop: Any, since: float) -> tuple[Look | None, Any]:
        """What runs there, and its task. No look where the GIL was gone since then: it would be of another time."""
        if is_late(since, self._now()):
            return None, None
        task = self._task(loop)
        return Look(frame_of(eye.state.ident), task, eye.state.base, eye.previous, traced=eye.state.traced), task

    def _task(self, loop: Any) -> Any:
        try:
            return loop.current_task() if isinstance(loop, TrioRun) else self._current(loop)
        except RuntimeError:
            return None

    def _look_back(self, eye: Eye, blind: Blind, *, over: bool, moved: bool) -> None:
        """The watcher could not look until now: what is known of that time.

        `over` when the loop has turned since, `moved` when its thread has run since: what is seen now may be new then.
        """
        look, facts = eye.at_wake
        last = eye.hold.current if eye.hold is not None else None
        key = look.key if look is not None and not over and Blinds.same_callback(blind, look) else None
        fresh = last is None or last.key != key
        if moved and fresh and not blind.stack and not (eye.waiting and key == eye.asked_key):
            key = None
        hold = eye.silent(key, self._blinds.gap.now, self._blinds.gap)
        if key is None:
            fresh = blind.cause == "gil" and not Blinds.follows(blind, last)
            hold.blind(blind, object(), self._ledger.running(blind.root), fresh=fresh)
        elif look and last and not fresh and blind.cause == "unknown" and eye.waiting and look.stack in last.stacks:
            # The loop has not answered and is where it was: it went on with this all the time.
            hold.blind(plain.replace(blind, cause="code"), key, None, fresh=False)
        else:
            hold.blind(blind, key, facts if fresh else None, fresh=fresh)
            if look and hold.current and blind.cause == "stopped":
                hold.current.add(look.stack, self._blinds.gap.now)  # it stood where it stands

    def _sample(self, eye: Eye, loop: Any, now: float) -> None:
        """Look into a loop that was asked and has not answered."""
        look, task = self._glance(eye, loop, now)
        if look is None:
            return
        hold = eye.silent(look.key, now, self._blinds.gap)
        if look.key is None:
            hold.look_nowhere(now)
            return
        known = hold.current is not None and hold.current.key == look.key
        hold.look(look, now, None if task is None or known else self._facts(task))
        self._verdicts.while_it_lasts(eye, now)

    def _stopped(self, eye: Eye, now: float) -> None:
        """The loop does not turn now; a hold that was its last step is complete all the same."""
        answered = eye.waiting and eye.state.pongs != eye.pongs
        if answered and eye.state.pong_at < self._blinds.gap.due:
            self._answered(eye, eye.state.pong_at)
            answered = False
        blind = last_step(self._blinds, eye, self._eyes.values())
        if blind is not None:
            eye.notes(now, self._verdicts.throttled, self._blinds.elsewhere)
            eye.at_wake = None, None
            self._look_back(eye, blind, over=True, moved=True)
        if answered:
            self._answered(eye, eye.state.pong_at)
        elif eye.waiting:
            self._answered(eye, now if eye.hold is None else (eye.hold.looked_at + now) / 2)
        elif eye.hold is not None:
            self._answered(eye, eye.hold.looked_at)

    def _answered(self, eye: Eye, end: float) -> None:
        """The loop lives again since `end`: what kept it is complete."""
        since = eye.asked_at if eye.hold is None else min(eye.asked_at, eye.hold.began)
        self.lags.add(max(0.0, end - since), eye.period)
        self._verdicts.of(eye, end)
        eye.waiting, eye.alive_at, eye.sure = False, end, True
        eye.answered_at = end

    def after_fork(self) -> None:
        self._eyes.clear()
        self.lags, self._quiet = Lags(), None
