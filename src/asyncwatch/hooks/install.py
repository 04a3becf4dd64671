"""All hooks in their order of installation, and their removal in the opposite one."""

from __future__ import annotations

import asyncio
from asyncio import coroutines, tasks
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from asyncwatch.config import Config
from asyncwatch.frames import Scope
from asyncwatch.hooks import asyncgens, checks, contexts, farewell, foreign, forever, pools, resources
from asyncwatch.hooks.asyncgens import AsyncgenTap
from asyncwatch.hooks.blockers import Blockers
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.cancellers import Cancellers
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.coroutines import CoroutineTap
from asyncwatch.hooks.creation import wrap_create_task
from asyncwatch.hooks.droppers import Droppers
from asyncwatch.hooks.exceptions import ExceptionTap
from asyncwatch.hooks.executors import Executors
from asyncwatch.hooks.foreign import ForeignCalls
from asyncwatch.hooks.forest import Forest
from asyncwatch.hooks.functions import Book
from asyncwatch.hooks.instruments import Instruments
from asyncwatch.hooks.lockers import Lockers
from asyncwatch.hooks.looking import Looking
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.makers import Makers
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.resources import Resources
from asyncwatch.hooks.shown import Shown
from asyncwatch.hooks.shutdown import ShutdownTap
from asyncwatch.hooks.sites import Sites
from asyncwatch.hooks.source_tracebacks import SourceTracebacks
from asyncwatch.hooks.spawned import Spawned
from asyncwatch.hooks.sweep import Sweeper
from asyncwatch.hooks.taps import LogTap, Unraisable
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.hooks.trio_runs import TrioRuns
from asyncwatch.measures import Measures

DEFAULT_SLOW = 0.1
CREATION = "line of creation where the code leaves one, else of the drop; always that of creation in profile debug"


class Hooks:
    """Everything that observes; children that multiprocessing spawns are watched, too, where `spawns` is set."""

    spawns = False

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
        self.ledger = Ledger(bus, Sites(scope), shows_context=config.context == "on")
        if self._debug():
            self.ledger.in_c = False  # uvloop's calls that are refused are known by the frame of the replacement
        self._lockers = Lockers(bus, self.ledger.records.get)
        self._cancellers = Cancellers(bus, wanted=self._debug())
        self.loops = Loops(bus, self._on_new_loop)
        self._collector = Collector(bus)
        self._executors = Executors(bus, self.loops, self.ledger, scope)
        self._trio = TrioRuns(bus, self.loops, config, poke)
        watched = self.loops, self.ledger, self._collector, self._executors, self._trio
        self.looking = Looking(config, bus, *watched, output)
        self.forest = Forest(self.loops, self.ledger, bus, scope)
        self._blockers = Blockers(config, bus, self.loops, self.ledger, scope)
        self.instruments = Instruments(self.loops, self.ledger, bus)
        self._source_tracebacks = SourceTracebacks(bus)
        self._own_code: list[CodeType] = []  # of ours that stands between the program and asyncio
        self._listen(bus, scope)

    def _listen(self, bus: Bus, scope: Scope) -> None:
        """What hears what asyncio and the interpreter say."""
        self._log = LogTap(bus, self.looking.claim)
        self._unraisable = Unraisable(bus)
        self._shown = Shown()
        self._coroutines = CoroutineTap(
            bus, self.loops, self.ledger, self._unraisable, self._collector, self._shown, Book(scope, bus.now)
        )
        self._asyncgens = AsyncgenTap(bus, self.loops, self.ledger, scope, self._shown)
        self._foreign = ForeignCalls(bus, self.loops)
        self.ledger.by_nobody = self._foreign.created
        droppers = Droppers(self.loops, self.ledger, self._collector)
        self._resources = Resources(bus, self.loops, droppers, Makers(bus, scope), self._unraisable)
        heard = droppers, self._resources, self._executors, self._foreign
        self._exceptions = ExceptionTap(bus, self.loops, self.ledger, self._log, *heard)
        self._shutdown = ShutdownTap(bus, self.loops, self.ledger)
        self._shutdown.closing = self.instruments.closing

    def install(self) -> None:
        """Patch the loop classes, then what asyncio and the interpreter say."""
        patches, loops = self._patches, self.loops
        loops.each_class(self._patch_class)
        self.instruments.install()
        loops.install(patches)
        all_tasks = self._shutdown.wrap_all_tasks(tasks.all_tasks)
        patches.set(tasks, "all_tasks", all_tasks)
        patches.set(asyncio, "all_tasks", all_tasks)
        if self._debug():
            self._source_tracebacks.install(patches, self._own_code, self._foreign.code)
        self._lockers.install(patches)
        self._cancellers.install()
        self._cancellers.forgotten.install(patches)
        self._unraisable.install(patches)
        self._shown.install(patches)
        self._coroutines.install(patches)
        self._resources.install(patches)
        self._collector.install()
        self.looking.prepare()
        self._log.install()
        self._blockers.install(patches)
        farewell.install(patches, self._last_words)
        self._trio.install()
        self.ledger.notice = loops.state
        if self.spawns:
            self._spawned = Spawned(self._config.for_children(), self._bus)
            self._spawned.install(patches)
        running = asyncio._get_running_loop()
        if running is not None:
            loops.adopt(running)

    def _patch_class(self, cls: Any) -> None:
        patches = self._patches
        create_task = wrap_create_task(cls.create_task, self.ledger, self._bus)
        patches.set(cls, "create_task", create_task)
        self._foreign.patch_class(patches, cls, debug=self._debug())
        if self._debug():
            checks.patch(patches, cls)
        self._resources.patch_class(patches, cls)
        patches.set(cls, "call_exception_handler", self._exceptions.wrap(cls.call_exception_handler))
        default = self._exceptions.wrap_default(cls.default_exception_handler)
        patches.set(cls, "default_exception_handler", default)
        patches.set(cls, "close", self._shutdown.wrap_close(cls.close))
        for owner in forever.signal_classes(cls):
            patched = forever.wrap_signals(owner.add_signal_handler, self.loops, self._bus)
            patches.set(owner, "add_signal_handler", patched)
        self._asyncgens.patch(patches, cls)
        run_in_executor = self._executors.wrap(cls.run_in_executor)
        patches.set(cls, "run_in_executor", run_in_executor)
        replaced = create_task, run_in_executor
        self._own_code = [one.__code__ for one in replaced if isinstance(one, FunctionType)]  # C code has no frames

    def uninstall(self) -> list[str]:
        """Put everything back; returns what somebody else had replaced meanwhile."""
        left = self.instruments.close()
        self._log.uninstall()
        if self.spawns:
            self._spawned.uninstall()
        self._collector.uninstall()
        self._cancellers.uninstall()
        self._executors.uninstall()
        self._blockers.uninstall()
        self._source_tracebacks.uninstall()
        return left + self._trio.uninstall() + self._patches.undo()

    @property
    def unsettled(self) -> bool:
        """Whether there is something to do for the thread that judges before it judges."""
        return bool(self._coroutines.waiting) or self._asyncgens.crowded

    def settle(self) -> None:
        """Do it: look for where coroutines were created, and forget async generators that are gone."""
        self._coroutines.settle()
        self._bus.guarded(asyncgens.PART, self._asyncgens.tidy)

    def program_ends(self) -> None:
        """Nothing of the program's will run any more but its exit handlers."""
        for state in self.loops:
            self._shutdown.left_open(state)

    def _on_new_loop(self, loop: Any) -> None:
        state = self.loops.state(loop)
        if state is None:
            return
        self.looking.meets(state)
        state.work = Sweeper(self.ledger, state, self._bus, self._lockers, self._cancellers, self._config)
        if self._config.slow_callback_duration != DEFAULT_SLOW:
            loop.slow_callback_duration = self._config.slow_callback_duration
        if self._set_debug:
            loop.set_debug(True)
        self.instruments.new_loop(loop)
        self._poke()

    def after_fork(self) -> None:
        self.loops.rethread()
        self.ledger.sites.known.clear()  # so that the loops which the child uses are noticed
        self.instruments.after_fork()
        self._trio.after_fork()
        self.looking.after_fork()
        self._executors.after_fork()
        self._coroutines.waiting.clear()
        self._blockers.after_fork()

    def rows(self) -> list[tuple[str, str, str]]:
        """Each hook as `(name, armed or blind, reason)`."""
        return [
            ("loops", "armed", ""),
            ("tasks", "armed", ""),
            *self.looking.rows(),
            ("exceptions", "armed", ""),
            ("coroutines", "armed", "" if self._debug() else CREATION),
            ("asyncgens", "armed", ""),
            ("shutdown", "armed", ""),
            *([("context", "armed", contexts.WHAT)] if self.ledger.shows_context else []),
            self._cancellers.row(),
            ("foreign-calls", "armed", "" if self._debug() else foreign.LIGHT),
            ("resources", "armed", "" if self._debug() else resources.LIGHT),
            ("executors", "blind" if pools.blind() else "armed", pools.blind()),
            self.instruments.row(),
            *self._trio.rows(),
            *self._blockers.rows(),
        ]

    def _debug(self) -> bool:
        return self._config.profile == "debug"

    def measures(self, findings: dict[tuple[str, str], int]) -> Measures:
        """The numbers of this moment; callable in any thread."""
        live = sum(getattr(state.work, "live", 0) for state in self.loops)
        created = self._bus.recorded + self._bus.skipped
        return Measures(findings, self.looking.lag(), live, created, self.loops.count)

    def totals(self) -> dict[str, Any]:
        """What the hooks counted."""
        found: dict[str, Any] = {"loops": self.loops.count}
        if self._bus.skipped:
            found["tasks_not_recorded"] = self._bus.skipped
        if self.ledger.brief:
            found["tasks_dropped_that_ended_soon"] = self.ledger.brief
        found.update(self.looking.totals())
        found.update(self._blockers.totals())
        if self._executors.unrecorded:
            found["executor_calls_not_recorded"] = self._executors.unrecorded
        return found
