"""Work for the loop's default executor: who queued it and when, and what still waits for a thread.

`run_in_executor` is wrapped to write down one line per call, by weak references only; everything else is the
watcher's. As long as the pool's queue is empty at a look, nothing waits and no line is read.
"""

from __future__ import annotations

import functools
import sys
import weakref
from asyncio import Future
from collections import Counter, deque
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from asyncwatch import env
from asyncwatch.events import ExecutorWaits
from asyncwatch.frames import RawFrame, Scope
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.hiding import hide_own_entry, hide_own_frames
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.pools import CHECK_CANCEL, SOURCE, Stack, default_pool, occupation
from asyncwatch.hooks.pulse import Gap
from asyncwatch.hooks.sites import Site, Sites
from asyncwatch.hooks.stacks import is_loop_code
from asyncwatch.hooks.tables import items_of
from asyncwatch.hooks.tasks import Ledger

PART = "hooks.executors"

# Calls written down for one loop and not yet looked at; more are counted and said.
MOST = 10_000
# Calls remembered while nothing waits: some may still be running when something does.
KEPT = 256
# Calls remembered for futures that fail and are dropped.
MOST_MADE = 1_000

# When it was queued, how late the watcher had been until then, the future in the pool, the task, the call, its code.
Work = tuple[float, float, "weakref.ref[Any]", "weakref.ref[Any] | None", Site | None, CodeType]


class Line:
    """The work that one loop queued, oldest first. `told` are the places already said since the queue was empty."""

    def __init__(self, loop: Any, state: LoopState) -> None:
        self.ref = weakref.ref(loop)
        self.state = state
        self.pool: weakref.ref[Any] | None = None
        self.queued: deque[Work] = deque()
        self.running: deque[Work] = deque(maxlen=KEPT)
        self.told: set[object] = set()
        self.idle_since: Work | None = None  # the last that was queued when nothing waited

    def forget(self) -> None:
        for kept in (self.queued, self.running, self.told):
            kept.clear()

    def is_of(self, pool: Any) -> bool:
        """Whether the pool is the one that was seen before; what was queued for another is forgotten."""
        before, self.pool = self.pool, weakref.ref(pool)
        if before is not None and before() is not pool:
            self.forget()
            return False
        return True


class Executors:
    """Writes calls down on the loop's thread, judges in the watcher's."""

    def __init__(self, bus: Bus, loops: Loops, ledger: Ledger, scope: Scope) -> None:
        self._bus, self._loops, self._ledger, self._scope = bus, loops, ledger, scope
        self._sites = Sites(scope)
        self._current = env.current_task_getter()
        self._lines: dict[int, Line] = {}
        self._made: deque[tuple[weakref.ref[Any], CodeType, int]] = deque(maxlen=MOST_MADE)
        self.unrecorded = 0
        # All time by which the watcher came late: nobody's wait.
        self.late = 0.0

    # -- on the loop's thread --

    def wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The replacement for a loop class's `run_in_executor`."""
        note = self._noter()

        @functools.wraps(original)
        def run_in_executor(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                future = original(self, *args, **kwargs)
            except BaseException as error:
                hide_own_entry(error)
                raise
            note(self, future, (args[0] if args else kwargs.get("executor", self)) is None)
            return future

        return run_in_executor

    def _noter(self) -> Callable[[Any, Any, bool], None]:
        """What each call of the program's pays for: one function, local names, and places looked up by their key."""
        bus, lines, known, getframe, ref = self._bus, self._lines, self._sites.known, sys._getframe, weakref.ref
        now, current_task, caller, broken, made = bus.now, self._current, self._sites.caller, bus.broken, self._made

        def note(loop: Any, future: Any, default: bool) -> None:
            try:
                if future._source_traceback:
                    hide_own_frames(future._source_traceback)
                frame = getframe(2)
                made.append((ref(future), frame.f_code, frame.f_lasti))
                if not default:
                    return
                callbacks = future._callbacks
                if not callbacks:
                    return  # it is done already
                tie = callbacks[0][0]
                if tie.__code__ is not CHECK_CANCEL or PART in broken or not bus.open:
                    return
                line = lines.get(id(loop))
                if line is None or line.ref() is not loop:
                    line = self._line(loop)
                if line is None or len(line.queued) >= MOST:
                    self.unrecorded += 1
                    return
                current = current_task(loop)
                site = known.get(id(frame.f_code) + frame.f_lasti)
                if site is None or not site.plain:
                    site = caller(frame, current)
                task = None if current is None else ref(current)
                source = ref(tie.__closure__[SOURCE].cell_contents)
                line.queued.append((now(), self.late, source, task, site, frame.f_code))
                bus.wants = 1
            except Exception as error:
                self._failed(future, error)

        return note

    def place_of(self, future: Any) -> tuple[RawFrame, ...]:
        """The call that queued the work behind a future; empty when that is too long ago, or was asyncio's own."""
        found = next(((code, lasti) for one, code, lasti in list(self._made) if one() is future), None)
        return (found,) if found is not None and not self._sites.is_internal(found[0].co_filename) else ()

    def _failed(self, future: Any, error: Exception) -> None:
        # What a loop or an executor with a way of its own returns may be anything.
        callbacks = future._callbacks if issubclass(type(future), Future) else None
        tie = callbacks[0][0] if callbacks else None
        if type(tie) is FunctionType and tie.__code__ is CHECK_CANCEL:
            self._bus.fail(PART, error)

    def _line(self, loop: Any) -> Line | None:
        state = self._loops.state(loop)
        line = None if state is None else Line(loop, state)
        if line is not None:
            self._lines[id(loop)] = line
        return line

    # -- on the watcher's thread --

    def has_work(self) -> bool:
        """Whether anything was written down that has not been looked at."""
        return any(line.queued and line.queued[-1] is not line.idle_since for line in list(self._lines.values()))

    def look(self, now: float, gap: Gap) -> None:
        """One look at every loop's line; `gap` is the time since the watcher looked last."""
        if not self._bus.works(PART):
            return
        try:
            # A little late for the GIL is what busy threads make of it: it is theirs. For a CPU it is the machine's.
            if gap.cause == "stopped" or gap.late > gap.due - gap.since:
                self.late += gap.late
            for key, line in items_of(self._lines):
                loop = line.ref()
                if loop is None or loop.is_closed():
                    if self._lines.get(key) is line:  # a new loop may have the address of one just closed
                        del self._lines[key]
                elif line.queued:
                    self._look_at(line, loop, now)
        except Exception as error:
            self._lines.clear()
            self._bus.fail(PART, error)

    def _look_at(self, line: Line, loop: Any, now: float) -> None:
        pool = default_pool(loop)
        if pool is None:
            line.forget()
            return
        if not line.is_of(pool):
            return
        written, last = len(line.queued), line.queued[-1]
        if not pool._work_queue.qsize():
            line.told.clear()
            line.idle_since = last
            for _ in range(written - KEPT):
                line.queued.popleft()
            return
        threshold = float(loop.slow_callback_duration)
        busy: Counter[Stack] | None = None
        while line.queued:
            work = line.queued[0]
            if now - work[0] - (self.late - work[1]) < threshold:
                return
            state = _state(work)
            if state == "RUNNING":
                line.running.append(work)
            elif state == "PENDING" and (key := self._key(work)) not in line.told:
                busy = busy or occupation(pool)
                if not busy:
                    return  # a thread is free and has not come: that is the machine's doing
                line.told.add(key)
                self._say(line, pool, work, busy, now - work[0], threshold)
            line.queued.popleft()

    def _key(self, work: Work) -> object:
        """What makes two calls the same: the place, and without one of the application's, where the task was made."""
        site = work[4]
        known = site is not None and any(self._scope.is_app(code.co_filename) for code, _ in site.frames)
        return site if known else (site, self._creation(work))

    def _creation(self, work: Work) -> Site | None:
        task = None if work[3] is None else work[3]()
        record = None if task is None else self._ledger.record_of(task)
        return None if record is None else record.site

    def _say(self, line: Line, pool: Any, work: Work, busy: Counter[Stack], waited: float, threshold: float) -> None:
        task, site = None if work[3] is None else work[3](), work[4]
        sites = [one[4] or self._creation(one) for one in line.running if _state(one) == "RUNNING"]
        running = Counter(site.frames for site in sites if site is not None and site.frames)
        self._bus.emit(
            ExecutorWaits(
                line.state.facts,
                waited,
                threshold,
                pool._max_workers,
                pool._work_queue.qsize(),
                tuple(busy.most_common()),
                tuple(running.most_common()),
                () if site is None else site.frames,
                self._asked(work[5]),
                None if task is None else self._ledger.facts(task),
            )
        )

    def _asked(self, code: CodeType) -> str:
        """The function of asyncio's that the program called: `to_thread`, `getaddrinfo`, or the method itself."""
        own = self._sites.is_internal(code.co_filename) and not is_loop_code(code)
        return code.co_name if own else "run_in_executor"

    def after_fork(self) -> None:
        self.uninstall()
        self.unrecorded = 0

    def uninstall(self) -> None:
        self._lines.clear()
        self._made.clear()


def _state(work: Work) -> str:
    """The state of the pool's future. Read, not asked: `running()` takes a lock that the loop's thread may want."""
    future = work[2]()
    return "" if future is None else str(future._state)
