"""All hooks in their order of installation, and their removal in the opposite one."""

from __future__ import annotations

import asyncio
import signal
from asyncio import coroutines, tasks
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.config import Config
from asyncwatch.frames import Scope
from asyncwatch.hooks import farewell, forever, natives, pools
from asyncwatch.hooks.blinds import Blinds
from asyncwatch.hooks.bus import ROOM, Bus
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.coroutines import CoroutineTap
from asyncwatch.hooks.exceptions import ExceptionTap
from asyncwatch.hooks.executors import Executors
from asyncwatch.hooks.forest import Forest
from asyncwatch.hooks.lockers import Lockers
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.natives import Natives
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.pulse import Pulse
from asyncwatch.hooks.shutdown import ShutdownTap
from asyncwatch.hooks.sites import Sites
from asyncwatch.hooks.sweep import Sweeper
from asyncwatch.hooks.taps import LogTap, Unraisable
from asyncwatch.hooks.tasks import Ledger, wrap_create_task
from asyncwatch.hooks.verdicts import Verdicts
from asyncwatch.hooks.vitals import Quota
from asyncwatch.hooks.watchdog import Watchdog

DEFAULT_SLOW = 0.1
# Without a loop there is nothing to look at; a new loop wakes the watcher.
NO_LOOP_PERIOD = 0.25
# The thread that runs answers a signal: it can be looked at when it has done so.
AGAIN = 0.001
MAIN_ONLY = "in the main thread; in others what a call after it shows"


class Hooks:
    """Everything that observes."""

    def __init__(
        self,
        config: Config,
        bus: Bus,
        scope: Scope,
        poke: Callable[[], None],
        last_words: Callable[[], None],
        output: Callable[[], int | None],
    ) -> None:
        self._config = config
        self._bus = bus
        self._poke = poke
        self._last_words = last_words
        # Installed in a running program; the command has asked the interpreter itself.
        self._set_debug = config.profile == "debug" and not coroutines._is_debug_mode()  # type: ignore[attr-defined]
        self._patches = Patches()
        self.ledger = Ledger(bus, Sites(scope))
        self._lockers = Lockers(bus, self.ledger.records.get)
        self.loops = Loops(bus, self._on_new_loop)
        self._collector = Collector(bus)
        patience = config.hang_after if "AW102" in bus.enabled else None
        self._natives = Natives(bus, patience, output, self.loops.probe)
        self._pulse = Pulse(env.thread_switches())
        self._passed_over = False
        self._verdicts = Verdicts(bus, self._collector, Quota(), config.hang_after)
        self._blinds = Blinds(self._pulse, self._natives, self._collector)
        self._watchdog = Watchdog(self.loops, self._blinds, self._verdicts, self.ledger, bus.now)
        self._log = LogTap(bus, self._watchdog.claim)
        self._unraisable = Unraisable(bus)
        self._coroutines = CoroutineTap(bus, self.loops, self.ledger, self._unraisable, self._collector)
        self._exceptions = ExceptionTap(bus, self.loops, self.ledger, self._log)
        self._shutdown = ShutdownTap(bus, self.loops, self.ledger)
        self._quiet = False
        self._executors = Executors(bus, self.loops, self.ledger, scope)
        self.forest = Forest(self.loops, self.ledger, bus, scope)

    def install(self) -> None:
        """Patch the loop classes, then what asyncio and the interpreter say."""
        patches, loops = self._patches, self.loops
        loops.each_class(self._patch_class)
        loops.install(patches)
        all_tasks = self._shutdown.wrap_all_tasks(tasks.all_tasks)
        patches.set(tasks, "all_tasks", all_tasks)
        patches.set(asyncio, "all_tasks", all_tasks)
        self._lockers.install(patches)
        self._unraisable.install(patches)
        self._coroutines.install(patches)
        self._collector.install()
        self._natives.prepare()
        self._log.install()
        patches.set(signal, "raise_signal", farewell.wrap(signal.raise_signal, self._last_words))
        running = asyncio._get_running_loop()
        if running is not None:
            loops.adopt(running)

    def _patch_class(self, cls: Any) -> None:
        patches = self._patches
        patches.set(cls, "create_task", wrap_create_task(cls.create_task, self.ledger, self._bus))
        patches.set(cls, "call_exception_handler", self._exceptions.wrap(cls.call_exception_handler))
        patches.set(cls, "close", self._shutdown.wrap_close(cls.close))
        for owner in forever.signal_classes(cls):
            patched = forever.wrap_signals(owner.add_signal_handler, self.loops, self._bus)
            patches.set(owner, "add_signal_handler", patched)
        patches.set(cls, "run_in_executor", self._executors.wrap(cls.run_in_executor))

    def uninstall(self) -> list[str]:
        """Put everything back; returns what somebody else had replaced meanwhile."""
        self._log.uninstall()
        self._collector.uninstall()
        self._executors.uninstall()
        return self._patches.undo()

    def program_ends(self) -> None:
        """Nothing of the program's will run any more but its exit handlers."""
        for state in self.loops:
            self._shutdown.left_open(state)

    def _on_new_loop(self, loop: Any) -> None:
        state = self.loops.state(loop)
        if state is None:
            return
        state.work = Sweeper(self.ledger, state, self._bus, self._lockers, self._config)
        if self._config.slow_callback_duration != DEFAULT_SLOW:
            loop.slow_callback_duration = self._config.slow_callback_duration
        if self._set_debug:
            loop.set_debug(True)
        self._poke()

    def look(self) -> float:
        """One turn of the watcher; returns the seconds until the next."""
        now = self._bus.clock = self._bus.now()
        self._bus.room = ROOM
        self._quiet = self._passed_over = False
        if not self._bus.works("hooks.watchdog"):
            self._natives.rests()
            return NO_LOOP_PERIOD
        try:
            self._quiet = not self._executors.has_work() and self._watchdog.is_quiet(now)
            if self._quiet:
                return self._watchdog.period
            if self._natives.answering():
                self._passed_over = True
                return AGAIN
            self._natives.disarm()
            period = self._watchdog.look(now)
            if self._blinds.lost(self._bus.now()):
                self._natives.disarm()
                period = self._watchdog.look(self._bus.now())
            self._executors.look(now, self._blinds.gap)
        except Exception as error:
            self._bus.fail("hooks.watchdog", error)
            return NO_LOOP_PERIOD
        return period if any(True for _ in self.loops) else NO_LOOP_PERIOD

    def rests(self, period: float) -> None:
        """The watcher sleeps now for so many seconds."""
        if self._passed_over:
            return  # the last look's sleep is not over yet
        self._pulse.rests(self._bus.now(), period)
        if not self._bus.works("hooks.watchdog") or self._quiet:
            return
        try:
            self._natives.arm(self._watchdog.running(), period, self._pulse.recent)
        except Exception as error:
            self._natives.disarm()
            self._bus.fail(natives.PART, error)

    def watcher_ends(self) -> None:
        """The last act of the watcher's thread."""
        self._natives.rests()

    def close(self) -> None:
        """When the watcher's thread is gone."""
        self._natives.close()

    def after_fork(self) -> None:
        self.loops.rethread()
        self._natives.after_fork()
        self._watchdog.after_fork()
        self._executors.after_fork()

    def rows(self) -> list[tuple[str, str, str]]:
        """Each hook as `(name, armed or blind, reason)`."""
        slow = "" if env.SCHEDSTAT else "no /proc/self/schedstat: a thread without a CPU looks like slow code"
        return [
            ("loops", "armed", ""),
            ("tasks", "armed", ""),
            ("watchdog", "armed", slow),
            ("native-code", "blind" if self._natives.why else "armed", self._natives.why or MAIN_ONLY),
            ("exceptions", "armed", ""),
            ("coroutines", "armed", "" if self._debug() else "line of the drop; the line of creation in profile debug"),
            ("shutdown", "armed", ""),
            ("executors", "blind" if pools.blind() else "armed", pools.blind()),
        ]

    def _debug(self) -> bool:
        return self._config.profile == "debug"

    def totals(self) -> dict[str, Any]:
        """What the hooks counted."""
        found: dict[str, Any] = {"loops": self.loops.count}
        if self.ledger.skipped:
            found["tasks_not_recorded"] = self.ledger.skipped
        if self.ledger.brief:
            found["tasks_dropped_that_ended_soon"] = self.ledger.brief
        lag = self._watchdog.lags.summary()
        if lag:
            found["loop_lag"] = lag
        if self._verdicts.pauses:
            found["unexplained_pauses"] = self._verdicts.pauses
            found["longest_unexplained_pause"] = round(self._verdicts.longest_pause, 4)
        found["watcher_late"] = round(self._pulse.stopped, 4)
        found["watcher_without_gil"] = round(self._pulse.without_gil, 4)
        if self._executors.unrecorded:
            found["executor_calls_not_recorded"] = self._executors.unrecorded
        return found


