"""Native code that holds the GIL: the kernel has `faulthandler` write down the stack while no Python can run.

A dump at a random moment may read a frame that is being made, and crash. So there is a proof before each: the timer
runs on the CPU clock of the loop's thread, is armed by the watcher just before it sleeps and disarmed by it as its
first act when it has the GIL again. It fires only when that thread has computed for `margin` seconds, FLOOR of which
the watcher was due, awake and asking for the GIL, which any bytecode gives away at its next call or jump. A thread
that computes so long without one stands still inside native code, and the signal stops it right there. Clocks of CPU
time do not run while a process is stopped, throttled or suspended. A watcher that was late lately adds to the margin.
https://github.com/python/cpython/blob/3.11/Modules/faulthandler.c#L924 (faulthandler_user)

The last resort, for a hang, is a dump of all threads straight to the output: after `hang_after` seconds of the loop
thread's CPU, or when the watcher has spent the CPU of that many seconds of asking in vain for the GIL; in this case
the signal goes to the watcher's own thread, so that no system call of the program's is interrupted.
"""

from __future__ import annotations

import math
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from asyncwatch import env
from asyncwatch.frames import Frame
from asyncwatch.hooks.bus import Bus

PART = "hooks.natives"

# CPU seconds a loop's thread must have used after the watcher was due.
FLOOR = 0.05
# A margin beyond this would come too late to be of use.
MOST = 0.5
# CPU seconds the watcher spends on one request for the GIL, reckoned high: a dump too late is better than too early.
ASKING = 40e-6
# Descriptors of ours stay out of the way of a program that closes or counts the low ones.
HIGH = 900
LONGEST = 256 * 1024

_ROW = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


class Natives:
    """Dumps of loop threads that stand in native code, and the last words of a process that can say nothing."""

    def __init__(self, bus: Bus, hang_after: float | None, output: Callable[[], int | None]) -> None:
        """`output` gives the descriptor of the first output, None where there is none."""
        self._bus = bus
        self._hang_after = hang_after
        self._output = output
        self._library: Any = None
        self._fd = -1
        self._identity = (0, 0)
        self._signals: list[int] = []
        self._timers: dict[int, list[Any]] = {}
        self._others: dict[int, Any] = {}
        self._own: Any = None
        self._armed: list[Any] = []
        self.why = env.why_no_dumps()
        # CPU seconds after which the last arming would have had a dump made.
        self.margin = math.inf

    def prepare(self) -> None:
        """Load what is needed, before the program starts: a module must not appear while it runs."""
        if self.why:
            return
        try:
            import faulthandler

            from asyncwatch.hooks import kernel

            self._timer, self._dumper = kernel.Timer, faulthandler
            self._library = kernel.Library()
        except (ImportError, OSError, AttributeError) as error:
            self.why = f"kernel timers cannot be had: {error}"

    # -- called by the watcher, the first as soon as it has the GIL, the last just before it gives it away --

    def disarm(self) -> None:
        """No signal from here on."""
        while self._armed:
            self._armed.pop().arm(0)

    def taken(self) -> list[tuple[Frame, ...]]:
        """The stacks that were written down since the last look, each innermost first."""
        if self._fd < 0:
            return []
        try:
            status = os.fstat(self._fd)
            if (status.st_dev, status.st_ino) != self._identity:
                self._lost()
                return []
            if not status.st_size:
                return []
            text = os.pread(self._fd, LONGEST, 0).decode("ascii", "replace")
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
        except OSError:
            self._lost()
            return []
        return parse(text)

    def arm(self, threads: Iterable[int], others: Mapping[int, float], period: float, recent: float) -> None:
        """The watcher is about to sleep for `period` seconds.

        `threads` are the native ids of the threads that run loops, `others` those of other Python threads with the
        CPU time each has used since the last look.
        """
        self.margin = math.inf
        if self.why or not self._bus.works(PART):
            return
        try:
            margin = period + FLOOR + recent + 2 * sys.getswitchinterval()
            loops = set(threads)
            self._arm(loops, period, margin)
            self._arm_others({} if not loops or margin - period > MOST else others, margin + FLOOR)
        except OSError as error:
            self.disarm()
            self.why = str(error)

    def _arm(self, threads: set[int], period: float, margin: float) -> None:
        if self._fd < 0 and threads:
            self._open()
        for gone in self._timers.keys() - threads:
            self._delete(self._timers.pop(gone))
        lasts = []
        if margin - period <= MOST:
            lasts.append((0, margin))
            self.margin = margin
        if self._hang_after is not None and len(self._signals) > 1 and self._has_output():
            lasts.append((1, max(self._hang_after, 2 * margin)))
            if threads:
                self._arm_own(self._hang_after)
        for native in threads:
            timers = self._timers.get(native) or self._make(native)
            for number, seconds in lasts:
                if timers[number].arm(seconds):
                    self._armed.append(timers[number])

    def _arm_others(self, others: Mapping[int, float], margin: float) -> None:
        """A thread that holds the GIL against the loop. An idle one's clock stands still, and its timer with it."""
        for gone in self._others.keys() - others.keys():
            self._others.pop(gone).delete()
        for native, used in others.items():
            timer = self._others.get(native)
            if timer is None:
                timer = self._others[native] = self._timer(self._library, native, native, self._signals[0])
                timer.arm(margin)
            elif used:
                timer.arm(margin)

    def _arm_own(self, hang_after: float) -> None:
        """The watcher's own patience: the CPU that asking for the GIL all that time costs it."""
        if self._own is None:
            native = _native_id()
            self._own = self._timer(self._library, native, native, self._signals[1])
        self._own.arm(hang_after / sys.getswitchinterval() * ASKING)
        self._armed.append(self._own)

    def _make(self, native: int) -> list[Any]:
        timers = [self._timer(self._library, native, native, number) for number in self._signals]
        self._timers[native] = timers
        return timers

    # -- descriptors and signals --

    def _open(self) -> None:
        import fcntl

        low = os.memfd_create("asyncwatch", os.MFD_CLOEXEC)
        try:
            self._fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH)
        except OSError:
            self._fd = os.dup(low)
        os.close(low)
        status = os.fstat(self._fd)
        self._identity = (status.st_dev, status.st_ino)
        first = self._signals[0] if self._signals else next(free_signals())
        self._dumper.register(first, self._fd, all_threads=False)
        if not self._signals:
            self._signals.append(first)
            output = self._output() if self._hang_after is not None else None
            if output is not None:
                self._signals.append(next(free_signals()))
                self._dumper.register(self._signals[1], output, all_threads=True)

    def _has_output(self) -> bool:
        return self._output() is not None

    def _lost(self) -> None:
        """The program closed our descriptor, and may have its own file there by now: a new one, from the next look."""
        self._fd = -1

    def close(self) -> None:
        """Leave no timer, no handler and no descriptor."""
        self.disarm()
        for timers in self._timers.values():
            self._delete(timers)
        self._timers.clear()
        self._arm_others({}, 0.0)
        if self._own is not None:
            self._own.delete()
            self._own = None
        for number in self._signals:
            self._dumper.unregister(number)
        self._signals.clear()
        self.taken()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def rests(self) -> None:
        """The watcher's thread ends, for a fork or for good: its own timer goes with it, and none may be left armed."""
        self.disarm()
        self._arm_others({}, 0.0)
        if self._own is not None:
            self._own.delete()
            self._own = None

    def after_fork(self) -> None:
        """In the child: timers are not inherited, and what the file says is the parent's to read."""
        self._timers.clear()
        self._others.clear()
        self._armed.clear()
        self._own = None
        for number in self._signals:
            self._dumper.unregister(number)
        self._signals.clear()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _delete(self, timers: list[Any]) -> None:
        for timer in timers:
            timer.delete()


def _native_id() -> int:
    import _thread

    return _thread.get_native_id()


def free_signals() -> Iterator[int]:
    """Real-time signals that this process neither catches nor ignores, the least used first."""
    taken = 0
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(("SigCgt", "SigIgn", "SigBlk")):
                taken |= int(line.split()[1], 16)
    for number in range(signal.SIGRTMAX - 7, signal.SIGRTMIN + 7, -1):
        if not taken >> (number - 1) & 1:
            yield number


def parse(text: str) -> list[tuple[Frame, ...]]:
    """The stacks that `faulthandler` wrote, each innermost first."""
    stacks: list[list[Frame]] = []
    for line in text.splitlines():
        row = _ROW.match(line)
        if row is not None and stacks:
            file, number, function = row.groups()
            stacks[-1].append(Frame(_unescape(file), int(number), _unescape(function)))
        elif line.endswith("(most recent call first):"):
            stacks.append([])
    return [tuple(stack) for stack in stacks if stack]


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(next(filter(None, match.groups())), 16)), text)
