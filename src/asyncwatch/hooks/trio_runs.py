"""trio's runs: each is watched like a loop, by an instrument of its own.

Where a loop of asyncio's is asked for a sign of life, the instrument is entered in trio's own table for the next time
that trio is about to wait for something to do, and strikes itself out again: other turns cost nothing. So trio is never
woken to be asked, and a clock of a test's that jumps when nothing is to do (`trio.testing.MockClock`) jumps as without
us. A run that is a guest of asyncio's loop is watched there.
https://trio.readthedocs.io/en/stable/reference-lowlevel.html#instrument-api
https://github.com/python-trio/trio/blob/v0.30.0/src/trio/_core/_run.py (setup_runner, unrolled_run)
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from types import CodeType
from typing import Any

from asyncwatch.config import Config
from asyncwatch.hooks import walks
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.hold import frame_of
from asyncwatch.hooks.hooked import hide_own_frame
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.stacks import is_select
from asyncwatch.hooks.tables import items_of
from asyncwatch.hooks.trio_arrival import Arrival, is_imported, why_blind
from asyncwatch.hooks.trio_waits import Waits

PART = "hooks.trio"
# The hook that trio calls when all steps of a turn are made.
TURN = "before_io_wait"
# How many tasks are looked through for the one that runs.
MOST_TASKS = 5_000


class TrioState(LoopState):
    """What is known of one run. It gives its signs of life itself."""

    def turn(self) -> None:
        """trio has made all steps that were due."""
        self.pong_at = self.bus.now()
        self.pongs += 1

    def rests(self, pongs: int, now: float) -> None:
        """It was seen waiting: it lives, also when it began to wait before it was asked."""
        if self.pongs == pongs:
            self.pong_at = now
            self.pongs += 1


class _Task:
    """The running task as findings name it."""

    def __init__(self, name: str, coro: Any) -> None:
        self._name = name
        self.cr_code = getattr(coro, "cr_code", None)
        self.__qualname__ = getattr(coro, "__qualname__", type(coro).__name__)

    def get_name(self) -> str:
        return self._name

    def get_coro(self) -> Any:
        return self


class TrioRun:
    """One run of trio's, as the watcher sees a loop. Nothing of it is kept alive."""

    KIND = "trio"

    def __init__(self, runner: Any, base: CodeType, config: Config, number: int, bus: Bus) -> None:
        self._runner = weakref.ref(runner)
        self._base = base
        self._ended = False
        runner.current_trio_token()  # made here, in the run's own thread
        self._seen: tuple[object, _Task | None] = (None, None)
        self.slow_callback_duration = config.slow_callback_duration
        self.state = TrioState(self, number, bus)
        self.state.base = base

    # -- as an instrument, called by trio on its thread --

    def after_run(self) -> None:
        self._ended = True
        self.state.turn()

    def before_io_wait(self, timeout: float) -> None:
        # Struck out first and told last: who enters it meanwhile, and is struck out with it, is told all the same.
        table = self._table()
        there = table.get(TURN)
        if there is not None:
            there.pop(self, None)
            if not there:
                table.pop(TURN, None)
        self.state.turn()

    def _table(self) -> dict[str, dict[Any, None]]:
        """trio's table of hooks: for each the instruments that are called."""
        instruments = getattr(self._runner(), "instruments", None)
        found: dict[str, dict[Any, None]] = getattr(instruments, "data", instruments or {})
        return found

    # -- as a loop: the watcher asks these --

    def is_closed(self) -> bool:
        return self._ended or self._runner() is None

    def is_running(self) -> bool:
        """Whether its own thread turns it: a guest's host is watched instead."""
        return not self.is_closed() and not getattr(self._runner(), "is_guest", False)

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> None:
        """Ask for a sign of life at the next turn; one that waits for something to do is not to be woken.

        Raises:
            RuntimeError: it waits, or has ended.
        """
        frame = frame_of(self.state.ident)
        if frame is None or self.is_closed() or is_select(frame.f_code):
            raise RuntimeError("it gives no sign now")
        self._table().setdefault(TURN, {})[self] = None

    def current_task(self) -> _Task | None:
        """The task that runs now, looked for by its outermost frame."""
        root = None
        for frame in walks.frames_from(frame_of(self.state.ident)):
            if frame.f_code is self._base:
                break
            root = frame
        else:
            return None
        if root is None or not root.f_code.co_flags & inspect.CO_COROUTINE:
            return None
        key = (id(root), root.f_code, self.state.pongs)
        if self._seen[0] != key:
            self._seen = (key, self._named(root))
        return self._seen[1]

    def _named(self, root: Any) -> _Task | None:
        runner = self._runner()
        tasks = list(runner.tasks) if runner is not None else []
        try:
            for task in tasks[:MOST_TASKS]:
                if getattr(task.coro, "cr_frame", None) is root:
                    return _Task(task.name, task.coro)
            return None
        finally:
            # The last reference to a task may be ours: it is dropped where the task lives.
            task = None
            self.soon(tasks.clear)

    def soon(self, function: Callable[[], object]) -> bool:
        """Have something called on trio's thread; False when the run is over."""
        runner = self._runner()
        try:
            return runner is not None and runner.current_trio_token().run_sync_soon(function) is None
        except RuntimeError:
            return False

    @property
    def runner(self) -> Any:
        """trio's own object of this run; None when it is gone."""
        return self._runner()


class TrioRuns:
    """Notices trio and each of its runs."""

    def __init__(self, bus: Bus, loops: Loops, config: Config, poke: Callable[[], None]) -> None:
        self._bus = bus
        self._loops = loops
        self._config = config
        self._poke = poke
        self._patches = Patches()
        self._arrival = Arrival(self._arrived)
        self._base: CodeType | None = None
        self.runs: dict[int, tuple[TrioRun, Waits]] = {}

    def install(self) -> None:
        """Watch trio if it is there, and wait for it if it is not."""
        self._arrival.watch()

    def uninstall(self) -> list[str]:
        """Let go of trio; returns what somebody else had replaced meanwhile."""
        self._arrival.leave()
        for run, _ in list(self.runs.values()):
            instruments = getattr(run.runner, "instruments", None)
            if instruments is not None and not run.is_closed():
                run.soon(functools.partial(_remove, instruments, run))
        self.runs.clear()
        return self._patches.undo()

    def _arrived(self, module: Any) -> None:
        try:
            self._base = module.unrolled_run.__code__
            self._patches.set(module, "setup_runner", self._wrap(module.setup_runner))
            runner = getattr(module.GLOBAL_RUN_CONTEXT, "runner", None)
            if runner is not None:
                self._begins(runner)
        except Exception as error:
            self._bus.fail(PART, error)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def setup_runner(*args: Any, **kwargs: Any) -> Any:
            try:
                runner = original(*args, **kwargs)
            except BaseException as error:
                hide_own_frame(error)
                raise
            runs._begins(runner)
            return runner

        runs = self
        return setup_runner

    def _begins(self, runner: Any) -> None:
        """A run was made, in the thread that will run it."""
        if not self._bus.works(PART) or self._base is None:
            return
        try:
            run = TrioRun(runner, self._base, self._config, self._loops.next_number(), self._bus)
            state = run.state
            self.runs[state.number] = (run, Waits(run, state, self._bus, self._config.stuck_after))
            runner.instruments.add_instrument(run)
            run.before_io_wait(0.0)  # not at each turn
            self._loops.enlist(state)
            self._poke()
        except Exception as error:
            self._bus.fail(PART, error)

    def look(self, now: float) -> None:
        """The watcher's turn: have each run look after its tasks now and then, and forget those that are over."""
        for number, (run, waits) in items_of(self.runs) if self.runs else ():
            if run.is_closed():
                self.runs.pop(number, None)
            elif self._bus.works(PART):
                waits.ask(now)

    def after_fork(self) -> None:
        self.runs.clear()

    def rows(self) -> list[tuple[str, str, str]]:
        """What AW000 says where trio is imported."""
        why = why_blind()
        return [("trio", "blind" if why else "armed", why)] if is_imported() else []


def _remove(instruments: Any, run: TrioRun) -> None:
    # On trio's thread, where an exception would end the whole run.
    try:
        instruments.remove_instrument(run)
    except Exception:
        return
