"""What the kernel says of a thread: how long it ran and how long it wanted to.

https://docs.kernel.org/scheduler/sched-stats.html (/proc/<pid>/schedstat)
"""

from __future__ import annotations

import bisect
import sys
import threading
import time
from collections.abc import Callable

from asyncwatch import env, plain

# Other threads whose CPU time is noted at each look; in a process with more, the rest is not.
MOST_THREADS = 32
# CPU seconds too few to look closer at an idle program.
HARDLY = 0.0005
# Looks whose numbers are kept for each loop.
MOST_ROWS = 256


def slowly(path: bytes) -> bytes:
    """The first bytes of a small file."""
    with open(path, "rb", buffering=0) as file:
        return file.read(128)


_read: Callable[[bytes], bytes] = slowly


def read_by(read: Callable[[bytes], bytes]) -> None:
    """From now on files are read by this function, which keeps the GIL."""
    global _read
    _read = read


@plain.record
class Vitals:
    """Of one thread, since it began: seconds on a CPU, seconds runnable without one, turns it got."""

    ran: float
    waited: float
    turns: int


def vitals(native: int | None, read: Callable[[bytes], bytes] | None = None) -> Vitals | None:
    """A thread's numbers by its native id; None where nobody says."""
    if not env.SCHEDSTAT or native is None:
        return None
    try:
        return vitals_of((read or _read)(file_of(native, b"schedstat")))
    except OSError:
        return None


def file_of(native: int, name: bytes) -> bytes:
    """Where the kernel says something of a thread."""
    return b"/proc/self/task/%d/%s" % (native, name)


def vitals_of(text: bytes) -> Vitals | None:
    """The numbers in such a file; None where it is not what it should be."""
    try:
        ran, waited, turns = text.split()
        return Vitals(int(ran) / 1e9, int(waited) / 1e9, int(turns))
    except ValueError:
        return None


def ran(native: int | None) -> float | None:
    """The CPU seconds of a thread until now; None where nobody says."""
    try:
        return None if native is None else time.clock_gettime(env.cpu_clock(native))
    except OSError:
        return None


def still(native: int | None, last: Vitals | None) -> bool:
    """Whether the thread has not run since its numbers were read.

    They are what they were if it has not run at all: what it waited for a CPU is counted when it gets one.
    """
    now = ran(native) if last is not None else None
    return last is not None and now is not None and now <= last.ran


@plain.record
class Spent:
    """What a thread spent within `span` seconds; None where nobody says."""

    span: float
    ran: float | None = None
    waited: float | None = None
    throttled: float | None = None
    contended: float = 0.0  # neither ran nor wanted a CPU, but asked for the GIL while other threads ran


# Who asks for the GIL naps once each switch interval, so often at least and at most; who talks to a socket has no such
# rhythm. And others run meanwhile, however little of a busy machine they get.
ENOUGH_NAPS, MOST_NAPS, ENOUGH_OTHERS = 0.4, 3.0, 0.05


@plain.record
class Row:
    """What is known at one look."""

    at: float
    thread: Vitals
    throttled: float | None
    others: float  # CPU seconds of the other threads, and those in which ours was put off in the middle of a look


class Record:
    """One thread's numbers at each look, so that each callback is judged by its own time and not by its neighbours'.

    When there are many, every second of the older half is dropped: what is long ago is known less exactly.
    """

    def __init__(self) -> None:
        self._rows: list[Row] = []

    @property
    def last(self) -> Vitals | None:
        return self._rows[-1].thread if self._rows else None

    @property
    def until(self) -> float:
        return self._rows[-1].at if self._rows else 0.0

    @property
    def others(self) -> float:
        return self._rows[-1].others if self._rows else 0.0

    def add(self, now: float, numbers: Vitals | None, throttled: float | None, others: float) -> None:
        if numbers is None:
            return
        self._rows.append(Row(now, numbers, throttled, others))
        if len(self._rows) >= MOST_ROWS:
            del self._rows[1 : MOST_ROWS // 2 : 2]

    def still(self, now: float) -> None:
        """A look at which the thread had not run: its last numbers hold until now."""
        if not self._rows:
            return
        last = self._rows[-1]
        row = Row(now, last.thread, last.throttled, last.others)
        if len(self._rows) >= 2 and row.thread is self._rows[-2].thread:
            self._rows[-1] = row
        else:
            self._rows.append(row)

    def between(self, began: float, end: float) -> Spent:
        """From the last look before it to the first look after it: the span says how much more that is."""
        rows = self._rows
        if not rows:
            return Spent(end - began)
        first = rows[max(0, bisect.bisect_right(rows, began, key=_time) - 1)]
        index = min(len(rows) - 1, bisect.bisect_left(rows, end, key=_time))
        last = rows[index]
        was, now = first.thread, last.thread
        span, ran = last.at - first.at, max(0.0, now.ran - was.ran)
        waited = max(0.0, now.waited - was.waited) + self._owed(index)
        known = last.throttled is not None and first.throttled is not None
        throttled = last.throttled - first.throttled if known else None  # type: ignore[operator]
        slept = max(0.0, span - ran - waited)
        naps = (now.turns - was.turns) * sys.getswitchinterval()
        asked = ENOUGH_NAPS * slept <= naps <= MOST_NAPS * span
        contended = slept if asked and last.others - first.others >= ENOUGH_OTHERS * slept else 0.0
        return Spent(span, ran, waited, throttled, contended)

    def _owed(self, index: int) -> float:
        """What a thread that stood still at this look had waited by then: it is counted when the thread runs again."""
        if not 0 < index < len(self._rows) - 1:
            return 0.0
        before, row, after = self._rows[index - 1 : index + 2]
        if row.thread.ran != before.thread.ran:
            return 0.0
        return max(0.0, after.thread.waited - row.thread.waited - (after.at - row.at))


def _time(row: Row) -> float:
    return row.at


class Others:
    """The CPU time of the process's other threads, to know which of them held the GIL."""

    def __init__(self) -> None:
        self._spent: dict[int, float] | None = None
        self.used: dict[int, float] = {}  # since the last look, by ident
        self.total = 0.0  # of all of them since the first look

    def look(self, without: set[int]) -> None:
        """Read the clocks of all threads; those in `without` are not counted, and may be another time."""
        now = {}
        for ident, clock in _clocks():
            try:
                now[ident] = time.clock_gettime(clock)
            except OSError:
                continue
        self._note(now, without)

    def _note(self, now: dict[int, float], without: set[int]) -> None:
        before, self._spent = self._spent, now
        self.used.clear()
        for ident, spent in now.items():
            if ident not in without:
                self.used[ident] = 0.0 if before is None else spent - before.get(ident, 0.0)
        self.total += sum(self.used.values())

    def clocks(self, without: int) -> tuple[list[int], tuple[int, ...]]:
        """The idents of all threads but one, and their clocks, to be read by somebody else."""
        found = [(ident, clock) for ident, clock in _clocks() if ident != without]
        return [ident for ident, _ in found], tuple(clock for _, clock in found)

    def dozed(self, idents: list[int], spent: tuple[float, ...]) -> None:
        """What the clocks showed; less than nothing where the thread was gone."""
        self._note({ident: seconds for ident, seconds in zip(idents, spent, strict=True) if seconds >= 0}, set())


def _clocks() -> list[tuple[int, int]]:
    """The ident of each thread that is known, with the clock of its CPU time."""
    threads = list(threading._active.values())[:MOST_THREADS]  # type: ignore[attr-defined]
    pairs = ((thread.ident, thread.native_id) for thread in threads)
    return [(ident, env.cpu_clock(native)) for ident, native in pairs if ident is not None and native is not None]
