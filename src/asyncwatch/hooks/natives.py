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

import _thread
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asyncwatch import env
from asyncwatch.frames import Frame
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.dumps import DumpFile, free_signals

PART = "hooks.natives"

# CPU seconds a loop's thread must have used after the watcher was due.
FLOOR = 0.05
# A thread that has used less CPU than this has stood still.
STILL = 0.001
# A margin beyond this would come too late to be of use.
MOST = 0.5
# CPU seconds the watcher spends on one request for the GIL, reckoned high: a dump too late is better than too early.
ASKING = 40e-6


class Natives:
    """Dumps of loop threads that stand in native code, and the last words of a process that can say nothing."""

    def __init__(self, bus: Bus, hang_after: float | None, output: Callable[[], int | None]) -> None:
        """`output` gives the descriptor of the first output, None where there is none."""
        self._bus = bus
        self._hang_after = hang_after
        self._output = output
        self._library: Any = None
        self._file = DumpFile()
        self._signals: list[int] = []
        self._threads: dict[int, Armed] = {}
        self._others: dict[int, Any] = {}
        self._own: Any = None
        self._armed: dict[int, Armed] = {}
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
        """No signal from here on to a thread that has run since; one that stood still keeps its whole margin."""
        for native, armed in list(self._armed.items()):
            if armed.used() > STILL:
                armed.disarm()
                del self._armed[native]

    def taken(self) -> list[tuple[Frame, ...]]:
        """The stacks that were written down since the last look, each innermost first."""
        return self._file.take()

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
            self.rests()
            self.why = str(error)

    def _arm(self, threads: set[int], period: float, margin: float) -> None:
        if self._file.fd < 0 and threads:
            self._open()
        for gone in self._threads.keys() - threads:
            self._armed.pop(gone, None)
            self._threads.pop(gone).delete()
        if margin - period <= MOST:
            self.margin = margin
        hang = max(self._hang_after or 0.0, 2 * margin) if len(self._signals) > 1 and self._has_output() else 0.0
        for native in threads:
            armed = self._threads.get(native)
            if armed is None:
                timers = [self._timer(self._library, native, native, number) for number in self._signals]
                armed = self._threads[native] = Armed(native, timers)
            if native not in self._armed or armed.margin < self.margin:
                armed.arm(self.margin, hang)
                self._armed[native] = armed
        if hang and threads:
            self._arm_own()

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

    def _arm_own(self) -> None:
        """The watcher's own patience: the CPU that asking for the GIL all that time costs it."""
        patience = (self._hang_after or 0.0) / sys.getswitchinterval() * ASKING
        if self._own is None:
            native = _thread.get_native_id()
            self._own = Armed(native, [self._timer(self._library, native, native, self._signals[1])])
            self._own.arm(patience)
        elif self._own.used() > patience / 10:
            self._own.arm(patience)

    # -- beginning and end --

    def _open(self) -> None:
        """The file, and a signal that has the stack of the thread it comes to written there."""
        fd = self._file.open()
        first = self._signals[0] if self._signals else next(free_signals())
        self._dumper.register(first, fd, all_threads=False)
        if self._signals:
            return
        self._signals.append(first)
        output = self._output() if self._hang_after is not None else None
        if output is not None:
            self._signals.append(next(free_signals()))
            self._dumper.register(self._signals[1], output, all_threads=True)

    def _has_output(self) -> bool:
        return self._output() is not None

    def close(self) -> None:
        """Leave no timer, no handler and no descriptor."""
        self.rests()
        for armed in self._threads.values():
            armed.delete()
        self._threads.clear()
        self._unregister()

    def rests(self) -> None:
        """The watcher's thread ends, for a fork or for good: its own timer goes with it, and none may be left armed."""
        while self._armed:
            self._armed.popitem()[1].disarm()
        self._arm_others({}, 0.0)
        if self._own is not None:
            self._own.delete()
            self._own = None

    def after_fork(self) -> None:
        """In the child: timers are not inherited, handlers and the file are."""
        self._threads.clear()
        self._others.clear()
        self._armed.clear()
        self._own = None
        self._unregister()

    def _unregister(self) -> None:
        for number in self._signals:
            self._dumper.unregister(number)
        self._signals.clear()
        self._file.close()


class Armed:
    """The timers of one thread, and what its CPU clock said when they were armed."""

    def __init__(self, native: int, timers: list[Any]) -> None:
        self._clock = env.cpu_clock(native)
        self._timers = timers
        self._at = 0.0
        self.margin = 0.0

    def used(self) -> float:
        """CPU seconds since; without end for a thread that is no more."""
        try:
            return time.clock_gettime(self._clock) - self._at
        except OSError:
            return math.inf

    def arm(self, *seconds: float) -> None:
        """One number for each timer; 0 or infinity leaves it disarmed."""
        self.margin = seconds[0]
        self._at += self.used()
        for timer, after in zip(self._timers, seconds, strict=False):
            timer.arm(after if after < math.inf else 0.0)

    def disarm(self) -> None:
        for timer in self._timers:
            timer.arm(0.0)

    def delete(self) -> None:
        for timer in self._timers:
            timer.delete()
