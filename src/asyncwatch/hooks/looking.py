"""The watcher's thread: when it looks, at what, and when it may sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.config import Config
from asyncwatch.hooks import natives
from asyncwatch.hooks.blinds import Blinds
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.dozing import Dozer
from asyncwatch.hooks.executors import Executors
from asyncwatch.hooks.eye import PERIOD, Nap, longest_between
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.natives import Natives
from asyncwatch.hooks.pulse import PUNCTUAL, Pulse, is_late
from asyncwatch.hooks.quota import Quota
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.hooks.trio_runs import TrioRuns
from asyncwatch.hooks.verdicts import Verdicts
from asyncwatch.hooks.vitals import slowly, vitals
from asyncwatch.hooks.watchdog import PART, Watchdog
from asyncwatch.measures import Lag, lag_of

# Without a loop there is nothing to look at; a new loop wakes the watcher.
NO_LOOP_PERIOD = 0.25
# The thread that runs answers a signal: it can be looked at when it has done so.
AGAIN = 0.001
# A look that lost the GIL is repeated so often at most; the last is made in any case.
MOST_TRIES = 3
MAIN_ONLY = "in the main thread; in others what a call after it shows"


class Looking:
    """One turn after the other, at loops, executors and trio's runs; native code is armed against while it sleeps."""

    def __init__(
        self,
        config: Config,
        bus: Bus,
        loops: Loops,
        ledger: Ledger,
        collector: Collector,
        executors: Executors,
        trio: TrioRuns,
        output: Callable[[], int | None],
    ) -> None:
        self._bus = bus
        self._loops = loops
        self._executors = executors
        self._trio = trio
        patience = config.hang_after if "AW102" in bus.enabled else None
        self._natives = Natives(bus, patience, output, loops.probe)
        self._pulse = Pulse(env.thread_switches())
        quota = Quota()
        self._verdicts = Verdicts(bus, collector, quota, config.hang_after)
        self._blinds = Blinds(self._pulse, self._natives, collector, quota)
        self._watchdog = Watchdog(loops, self._blinds, self._verdicts, ledger, bus.now)
        self._watchdog.longest = longest_between(config.stuck_after)
        self.claim = self._watchdog.claim
        self._dozer = Dozer(bus, self._pulse, self._blinds, self._natives, self._watchdog, self._wakes)
        self._quiet = self._passed_over = False
        self.restless = True  # whether there is more to do soon than to look

    def prepare(self) -> None:
        """What has to be done in the main thread before the watcher's begins."""
        self._natives.prepare()

    def begins(self) -> None:
        """The watcher's thread is about to be started. What goes on here may keep it from its first look."""
        self._pulse.begins(self._bus.now())

    def meets(self, state: LoopState) -> None:
        """A loop is made, mostly in the thread that will run it: its first step may end before the first look."""
        self._pulse.called(state.born)
        self._natives.first(PERIOD)
        numbers = vitals(state.native, slowly)
        state.baseline = (state.born, numbers, self._verdicts.throttled(), self._blinds.elsewhere)

    def look(self) -> float:
        """One turn of the watcher; returns the seconds until the next."""
        self._natives.awake()
        now = self._bus.look()
        self._quiet = self._passed_over = False
        if not self._bus.works(PART):
            self._natives.rests()
            return NO_LOOP_PERIOD
        if not env.can_read_frames():
            self._natives.disarm()
            return NO_LOOP_PERIOD
        try:
            self._trio.look(now)
            self._quiet = not self._executors.has_work() and self._watchdog.is_quiet(now)
            if self._quiet:
                return self._watchdog.period
            if self._natives.answering():
                self._passed_over = True
                return AGAIN
            self._natives.disarm()
            period = self._watchdog.look(now, to_the_end=False)
            for left in range(MOST_TRIES - 1, 0, -1):
                if not self._blinds.lost(self._bus.now()):
                    break
                self._natives.disarm()
                period = self._watchdog.look(self._bus.now(), to_the_end=left == 1)
            self._executors.look(now, self._blinds.gap)
        except Exception as error:
            self._bus.fail(PART, error)
            return NO_LOOP_PERIOD
        return period if self._loops.every() else NO_LOOP_PERIOD

    def rests(self, period: float) -> None:
        """The watcher sleeps now for so many seconds."""
        if self._passed_over:
            return  # the last look's sleep is not over yet
        self._pulse.rests(self._bus.now(), period)
        self._blinds.snapshot.prepare()
        if not self._bus.works(PART):
            return
        if self._quiet:
            self._natives.asleep()
            return
        try:
            threads, runs = self._watchdog.running()
            self._natives.arm(threads, period, self._pulse.recent, runs=runs)
        except Exception as error:
            self._natives.disarm()
            self._bus.fail(natives.PART, error)

    def sleep(self, wake: Any, period: float) -> None:
        """The watcher's sleep, until it is poked: that between two looks, or of many while all is well.

        It wakes as often as it would look, to know when all was well last.
        """
        if self._may_doze() and self._dozer.dozes(wake, period):
            return
        nap = self._watchdog.nap() if self._quiet else None
        if nap is not None:
            self._nap(nap, wake.acquire, period)
        elif not wake.acquire(timeout=period):
            self._wakes(self._pulse.due, self._bus.now())

    def _may_doze(self) -> bool:
        """Whether no part but the loops' has anything to look at."""
        ours = self._bus.works(PART) and self._bus.works("hooks.sweep")
        return ours and not (self.restless or self._passed_over or self._executors.has_work() or self._trio.runs)

    def _wakes(self, due: float, now: float) -> None:
        """Before all else, where it is late, for who had the GIL goes on as soon as we lose it."""
        if not is_late(due, now):
            return
        try:
            self._blinds.snapshot.take()
        except Exception as error:
            self._bus.fail(PART, error)

    def _nap(self, nap: Nap, wait: Callable[..., bool], period: float) -> None:
        bus, now, show, clock, ran, until = self._bus, self._bus.now, time.clock_gettime, nap.clock, nap.ran, nap.until
        last, times, stirred = self._pulse.rested_at, 0, False
        try:
            while not wait(timeout=period):
                then = now()
                if then - last >= period + PUNCTUAL:
                    self._wakes(last + period, then)
                    break
                stirred = show(clock) != ran
                if stirred or then >= until:
                    break
                bus.clock = last = then
                times += 1
                self._natives.asleep()
        except OSError:
            pass  # the thread is gone, and its clock with it
        if times:
            self._pulse.napped(last, period, times)
            self._watchdog.napped(last, times, stirred=stirred)

    def watcher_ends(self) -> None:
        """The last act of the watcher's thread."""
        self._natives.rests()

    def close(self) -> None:
        """When the watcher's thread is gone."""
        self._natives.close()

    def after_fork(self) -> None:
        """In the child, before its own watcher begins."""
        self._natives.after_fork()
        self._watchdog.after_fork()
        self._dozer.after_fork()

    def rows(self) -> list[tuple[str, str, str]]:
        """Each hook as `(name, armed or blind, reason)`."""
        slow = "" if env.SCHEDSTAT else "no /proc/self/schedstat: a thread without a CPU looks like slow code"
        return [
            ("watchdog", "armed", slow),
            ("native-code", "blind" if self._natives.why else "armed", self._natives.why or MAIN_ONLY),
        ]

    def lag(self) -> Lag:
        """How long callbacks waited for their turn so far."""
        return lag_of(*self._watchdog.lags.waits())

    def totals(self) -> dict[str, Any]:
        """What was counted."""
        found: dict[str, Any] = {}
        lag = self._watchdog.lags.summary()
        if lag:
            found["loop_lag"] = lag
        if self._verdicts.pauses:
            found["unexplained_pauses"] = self._verdicts.pauses
            found["longest_unexplained_pause"] = round(self._verdicts.longest_pause, 4)
        found["watcher_late"] = round(self._pulse.stopped, 4)
        found["watcher_without_gil"] = round(self._pulse.without_gil, 4)
        return found
