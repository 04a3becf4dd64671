"""The watcher's sleep while all is well, in C and without the GIL: when that may be, and what it found (see _doze.c).

A look that finds nothing costs a busy program most where the watcher has to get the GIL for it. So as long as one loop
runs, in the main thread, and answers, what its looks would have noted is written down here when the sleep is over, as
if they had been made.
"""

from __future__ import annotations

import os
import selectors
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable
from typing import Any, NamedTuple

from asyncwatch import env
from asyncwatch.hooks import twins
from asyncwatch.hooks.blinds import Blinds
from asyncwatch.hooks.bus import RATE, ROOM, Bus
from asyncwatch.hooks.eye import ASK_IDLE, ASK_IDLE_LONGEST, Eye
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.natives import Natives
from asyncwatch.hooks.pulse import Pulse, is_late
from asyncwatch.hooks.stacks import HANDLERS, QUESTIONS
from asyncwatch.hooks.vitals import file_of, vitals_of
from asyncwatch.hooks.watchdog import Watchdog

PART = "hooks.dozing"
# How a sleep ends, as in _doze.c.
POKED, DUE, SILENT, LATE, WANTED, FAILED = range(6)


class Slept(NamedTuple):
    """What a sleep found, of its last look unless it says otherwise; times are the clock's, 0 is never."""

    why: int
    times: int
    last: float
    before: float  # the look before that
    switches: int
    asked_at: float  # a question that has not been answered
    put_at: float  # the last question
    alive_at: float
    ran: float
    lags: tuple[float, ...]  # of all answers
    spent: tuple[float, ...]
    numbers: bytes
    quota: bytes


class Dozer:
    """Sleeps for the watcher."""

    def __init__(
        self,
        bus: Bus,
        pulse: Pulse,
        blinds: Blinds,
        natives: Natives,
        watchdog: Watchdog,
        woke: Callable[[float, float], None],
    ) -> None:
        """`woke` is told when a look was due and when it comes, as soon as the watcher has the GIL again."""
        self._bus = bus
        self._pulse = pulse
        self._blinds = blinds
        self._natives = natives
        self._watchdog = watchdog
        self._woke = woke
        self._doze = twins.DOZE

    def after_fork(self) -> None:
        """In the child: nobody sleeps there."""
        if twins.DOZE_ANEW is not None:
            twins.DOZE_ANEW()
        self._pulse.dozing = None

    def dozes(self, wake: Any, period: float) -> bool:
        """Sleep, if that may be now: whether it was done. Somebody who pokes ends it."""
        if self._doze is None or not self._bus.works(PART):
            return False
        try:
            return self._dozes(self._doze, wake, period)
        except Exception as error:
            self._bus.fail(PART, error)
            return False

    def _dozes(self, doze: Callable[..., tuple[Any, ...] | None], wake: Any, period: float) -> bool:
        eye = self._watchdog.alone()
        if eye is None or not self._may_doze(eye):
            return False
        plan = self._plan(eye, period)
        if plan is None:
            return False
        question, thread, files, times = plan
        idents, clocks = self._blinds.others.clocks(eye.state.ident)
        pulse, bus = self._pulse, self._bus
        pulse.dozing = lambda: bus.clock + period
        try:
            found = doze(wake, bus, question, thread, files, clocks, self._natives.armed, times)
        finally:
            pulse.dozing = None
        if found is None:
            return False
        slept, now = Slept(*found), bus.now()
        self._woke(slept.last + period, now)  # before anything that may lose the GIL
        self._note(eye, period, idents, *slept)
        if slept.why == SILENT and slept.times and is_late(slept.last + period, now):
            # Who has the GIL may have had it when the loop was asked; the last look before that found it well.
            pulse.dozed(slept.before, slept.last - slept.before, slept.switches)
        if slept.why != DUE:
            self._watchdog.wakes_up()
        if slept.why == FAILED:
            self._doze = None  # the kernel does not say what a thread waits for
        return True

    def _may_doze(self, eye: Eye) -> bool:
        """Whether nothing but a silent loop would have to be looked at."""
        self._bus.wants = 0  # before it is asked what there is
        state = eye.state
        well = eye.runs and eye.sure and eye.hold is None and not state.traced and state.native == os.getpid()
        return well and self._bus.is_still and not env.other_interpreters()

    def _plan(self, eye: Eye, period: float) -> tuple[Any, ...] | None:
        """What the sleep is told; None where this loop does not say what it waits on."""
        state, now = eye.state, self._pulse.rested_at
        loop, native, last = state.ref(), state.native or 0, eye.record.last
        poll = descriptor_of(loop)
        if poll < 0 or last is None:
            return None
        asked_at = eye.asked_at if eye.waiting else 0.0
        files = file_of(native, b"syscall"), file_of(native, b"schedstat"), os.fsencode(self._blinds.quota.path)
        until = now + max(ASK_IDLE, min(ASK_IDLE_LONGEST, (now - state.born) / 4))
        times = now, period, until, ASK_IDLE, eye.ask_in, asked_at, eye.asked_at, last.ran, RATE, ROOM
        return _question(state, eye.threshold, self._natives.untouched), (env.cpu_clock(native), poll), files, times

    def _note(self, eye: Eye, period: float, idents: list[int], why: int, times: int, last: float, *found: Any) -> None:
        """What the looks have seen."""
        _, switches, asked_at, put_at, alive_at, ran, lags, spent, numbers, quota = found
        state, watchdog = eye.state, self._watchdog
        for lag in lags:
            watchdog.lags.add(lag, period)
            state.late += lag
        self._put_again(eye, asked_at, put_at, alive_at)
        if not times:
            return
        self._pulse.dozed(last, period, switches)
        watchdog.lags.none(times - len(lags))
        self._blinds.others.dozed(idents, spent)
        before = eye.record.last
        if before is not None and ran <= before.ran:
            eye.record.still(last)
        else:
            throttled = self._blinds.quota.seconds(quota)
            eye.record.add(last, vitals_of(numbers), throttled, self._blinds.elsewhere)

    def _put_again(self, eye: Eye, asked_at: float, put_at: float, alive_at: float) -> None:
        fresh = asked_at > 0 and put_at > eye.asked_at
        eye.dozed(asked_at, put_at, alive_at, self._bus.answered_at)
        loop = eye.state.ref() if fresh else None
        if loop is not None:
            eye.waits_for_answer(loop)  # nobody puts that question any more


def _question(state: LoopState, threshold: float, untouched: Callable[[], bool]) -> Callable[[bool], bool]:
    """What is called in the main thread, in the middle of anything: it must be short."""

    def put(asks: bool) -> bool:
        """Whether all is as it was, and the loop will answer if that is wanted."""
        loop = state.ref()
        if loop is None or loop.slow_callback_duration != threshold or not untouched():
            return False
        try:
            if not asks:
                pass
            elif isinstance(loop, BaseEventLoop):
                loop._call_soon(state.pong, (), None)  # type: ignore[attr-defined]  # no call of the program's
            else:
                loop.call_soon(state.pong)
        except RuntimeError:
            return False  # it is closed
        finally:
            del loop
        return True

    for codes in (HANDLERS, QUESTIONS):
        codes.add(put.__code__)  # the same for all
    return put


def descriptor_of(loop: Any) -> int:
    """What the loop waits on in the kernel, which is one of Linux's; -1 where it does not say."""
    try:
        selector, epoll = getattr(loop, "_selector", None), getattr(selectors, "EpollSelector", None)
        if epoll is not None and isinstance(selector, epoll):
            return int(selector.fileno())
        ask: Callable[[], int] | None = getattr(loop, "_get_backend_id", None)
        return -1 if ask is None or isinstance(loop, BaseEventLoop) else int(ask())
    except Exception:  # it is closed, or of another make
        return -1
