"""The composition root: builds hooks, detectors, pipeline and sinks from a configuration, starts and ends them."""

from __future__ import annotations

import _thread
import atexit
import functools
import time
from typing import Any

from asyncwatch import detectors, identity, sinks
from asyncwatch.config import Config
from asyncwatch.control.server import Server
from asyncwatch.events import Ended, PartFailed, Started
from asyncwatch.findings import Finding
from asyncwatch.frames import Scope
from asyncwatch.hooks import fork, twins
from asyncwatch.hooks.bus import Bus, describe, traceback_frames
from asyncwatch.hooks.install import Hooks
from asyncwatch.measures import Measures
from asyncwatch.pipeline import Pipeline
from asyncwatch.task_tree import Tree
from asyncwatch.workers import Worker

# How long an ending program waits for the watcher to say its last words.
LAST_WORDS = 2.0


class Watch:
    """One running watcher. `findings` are those said so far; `uninstall` leaves the interpreter as it was found."""

    def __init__(self, config: Config, limits: tuple[str, ...] = (), by: str = "install") -> None:
        """Build everything; nothing of the host is touched yet. `by` is as in `identity.facts`.

        Raises:
            ConfigError: an output cannot be opened, a rule or baseline is unknown.
        """
        self.config = config
        detectors.check_codes(config)
        enabled = config.enabled(detectors.CODES, detectors.OPT_IN) | detectors.ALWAYS
        self._scope = scope = Scope(config.app, config.not_app)
        self._limits, self._by = limits, by
        # Who asked for no report of a process that runs no loop, gets none.
        self._quiet = by not in ("install", "command")
        self._bus = Bus(enabled)
        self._outputs = outputs = sinks.build(config, scope, self._measures, self._bus.emit)
        self._hooks = Hooks(config, self._bus, scope, self._poke, self.uninstall, self._first_output)
        self._hooks.spawns = by in ("command", "auto", "hook")  # a spawned child does so from its start
        rules = detectors.build(enabled | {one for one in detectors.PARTLY_OPT_IN if not config.is_ignored(one)}, scope)
        self._pipeline = Pipeline(config, rules, outputs, self._part_failed, lambda: sinks.last_resort(config, scope))
        self.instruments = self._hooks.instruments
        looking = self._hooks.looking
        turns = self._look, looking.rests, looking.watcher_ends, looking.sleep, self._look_failed
        self._watcher = Worker(*turns, new_wake=twins.Wake)
        judge_failed = functools.partial(self._bus.fail, "session.judge")
        self._judge = Worker(self._judge_all, ends=self._judge_ends, fails=judge_failed)
        answers = {"tree": lambda: self._hooks.forest.tree(ours=True).to_dict()}
        self._control = Server(config, answers, self._bus.fail)
        self._flushed = _thread.allocate_lock()
        self._announced = self._closing = self._child = False
        self._flush_wanted = self._flush_seen = False
        self._forks = 0  # forks that are going on, each in a thread of its own
        self._left: list[str] = []
        self._began = time.monotonic()

    # -- what programs and tests use --

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings said so far, oldest first; the first 1,000 of them."""
        return tuple(self._pipeline.kept)

    @property
    def failures(self) -> tuple[str, ...]:
        """The codes seen that `--fail-on` names."""
        return tuple(sorted(self._pipeline.failures))

    def start(self) -> None:
        """Patch and begin to watch."""
        for sink in self._outputs:
            sink.open()
        self._hooks.install()
        self._began = time.monotonic()
        self._start_workers()
        fork.watch(self)
        atexit.register(self._at_exit)

    def flush(self, timeout: float = LAST_WORDS) -> bool:
        """Wait until everything seen so far is judged and said; False when that took longer than `timeout` seconds."""
        if not self._watcher.running:
            return True
        self._flushed.acquire(blocking=False)
        self._flush_wanted = True
        self._poke()
        return self._flushed.acquire(timeout=timeout)

    def tree(self) -> Tree:
        """All tasks now, in any thread, also while a loop is blocked: plain data, at most 10,000 tasks.

        `str()` of it is what `asyncwatch tree` prints.
        """
        return self._hooks.forest.tree()

    def program_ends(self) -> None:
        """The program's own code has ended: its loops that were never closed are as they will be for ever."""
        if not self._closing:
            self._hooks.program_ends()

    def _at_exit(self) -> None:
        self.program_ends()
        self.uninstall()

    def uninstall(self) -> None:
        """Say the summary and leave the interpreter as it was found. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        fork.forget(self)
        atexit.unregister(self._at_exit)
        self._left = self._hooks.uninstall()
        watched = self._watcher.running
        self._watcher.stop(LAST_WORDS)
        self._hooks.looking.close()
        if watched:
            self._judge.stop(LAST_WORDS)
        else:
            self._last_words()
        self._control.close(LAST_WORDS)
        self._hooks.forest.close()
        self._bus.open = False

    def _first_output(self) -> int | None:
        """The descriptor of the first output that is still there."""
        return next((fd for fd in (sink.fileno() for sink in self._outputs) if fd is not None), None)

    # -- the two threads: one looks and must never be kept from it, the other judges and writes --

    def _start_workers(self) -> None:
        self._flushed = _thread.allocate_lock()
        self._flushed.acquire()
        self._judge.start()
        self._hooks.looking.begins()
        self._watcher.start()
        self._control.start()

    def _poke(self) -> None:
        """Have the watcher look now instead of at its next turn."""
        self._watcher.poke()

    def _look(self) -> float:
        flush, self._flush_wanted = self._flush_wanted, False
        looking = self._hooks.looking
        period = looking.look()
        looking.restless = flush or self._hooks.unsettled or not self._announced
        self._flush_seen = self._flush_seen or flush
        if flush or self._bus.queue or self._hooks.unsettled or (not self._announced and self._hooks.loops.count):
            self._judge.poke()
        return period

    def _look_failed(self, error: Exception) -> None:
        self._bus.fail("session.watcher", error)
        self._judge.poke()
        self._hooks.looking.watcher_ends()  # nothing stays armed

    def _judge_all(self) -> None:
        flush, self._flush_seen = self._flush_seen, False
        self._drain()
        if flush:
            try:
                self._flushed.release()
            except RuntimeError:
                pass

    def _judge_ends(self) -> None:
        if self._closing:
            self._last_words()

    def _drain(self) -> None:
        self._bus.guarded("session.judge", self._hooks.settle)
        queue = self._bus.queue
        if not self._announced and (queue or self._hooks.loops.count):
            self._announce()
        while queue:
            self._pipeline.judge(queue.popleft())

    def _announce(self) -> None:
        self._announced = True
        if not self._closing:
            self._control.open()
        state = next(iter(self._hooks.loops), None)
        facts = identity.facts(self._by, self._child)
        versions = {**facts, **({"socket": self._control.path} if self._control.path else {})}
        rows = (*self._hooks.rows(), self._control.row(), *(("profile", "blind", limit) for limit in self._limits))
        self._pipeline.judge(Started(state.facts if state else None, self.config.profile, rows, versions))

    def _last_words(self) -> None:
        try:
            self._bus.tell_all_repeats()
            self._drain()
            self._bus.open = False
            if self._quiet and not self._announced:
                return  # it ran no loop and has nothing to tell
            if not self._announced:
                self._announce()
            self._pipeline.settle()
            self._pipeline.judge(Ended(None, self.totals()))
        finally:
            self._pipeline.close()

    def totals(self) -> dict[str, Any]:
        """What the summary says."""
        return {
            **self._pipeline.totals(),
            **self._hooks.totals(),
            **({"patched_by_others_too": self._left} if self._left else {}),
            "dropped_events": self._bus.dropped,
            "seconds": round(time.monotonic() - self._began, 3),
            "watcher_cpu": round(self._watcher.cpu + self._judge.cpu, 4),
        }

    def _measures(self) -> Measures:
        return self._hooks.measures(dict(self._pipeline.by_both))

    def _part_failed(self, part: str, error: Exception) -> PartFailed:
        return PartFailed(None, part, describe(error), traceback_frames(error.__traceback__))

    # -- fork --

    def before_fork(self) -> None:
        self._forks += 1
        self._watcher.stop(1.0)
        self._judge.stop(1.0)
        self._control.stop(1.0)
        self._pipeline.before_fork()

    def after_fork_in_parent(self) -> None:
        self._forks -= 1
        if not self._forks:  # else another thread is about to fork as well
            self._start_workers()
            self._pipeline.after_fork(child=False)

    def after_fork_in_child(self) -> None:
        """The child watches for itself: its own counts, its own first line."""
        self._bus.begin_anew()
        self._pipeline.reset(detectors.build(self._bus.enabled, self._scope))
        self._control.forget()
        self._hooks.after_fork()
        self._announced, self._child, self._quiet = False, True, True
        self._forks = 0
        self._began = time.monotonic()
        self._watcher.cpu = self._judge.cpu = 0.0
        self._start_workers()
        self._pipeline.after_fork(child=True)


def survey(config: Config) -> list[tuple[str, str, str]]:
    """What would arm here, as `(hook, armed or blind, reason)`; touches nothing."""
    bus = Bus(config.enabled(detectors.CODES, detectors.OPT_IN))
    hooks = Hooks(config, bus, Scope(config.app, config.not_app), lambda: None, lambda: None, lambda: None)
    return [*hooks.rows(), Server(config, {}, bus.fail).row()]
