"""Native code that holds the GIL: the kernel has `faulthandler` write down the stack while no Python can run.

A dump at a random moment may read a frame that is being made: tried, one in 55 (3.13), 195 (3.12) and 635 (3.11)
crashes the process. So there is a proof before each, and it is the thread's own. Timers run on the CPU clock of the
loop's thread, armed by the watcher just before it sleeps and disarmed by it as its first act when it has the GIL
again. First the thread gets a signal that Python answers at its next call or jump (trips.py), and its answer disarms
the dump. GRACE later comes the dump: a thread that computes so long without an answer stands still in native code.
That the watcher was asking for the GIL all the while would be no proof at all: see trips.py.
Clocks of CPU time do not run while a process is stopped, throttled or suspended.
https://github.com/python/cpython/blob/3.11/Modules/faulthandler.c#L924 (faulthandler_user)

The last resort, for a hang, is a dump of all threads straight to the output, after `hang_after` seconds of the loop
thread's CPU, with the same proof. Or when the watcher has spent the CPU of that many seconds of asking in vain for the
GIL, if no other thread of the program can hold it; then the signal goes to the watcher's own thread, so that no system
call of the program's is interrupted.
"""

from __future__ import annotations

import _thread
import math
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from asyncwatch import env
from asyncwatch.frames import Frame, RawFrame
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.dumps import DumpFile, low_numbers_kept, make_room
from asyncwatch.hooks.last_words import LastWords, Writers
from asyncwatch.hooks.timers import Timers
from asyncwatch.hooks.trips import Trips
from asyncwatch.hooks.vitals import read_by

PART = "hooks.natives"

# CPU seconds a loop's thread must have used after the watcher was due before it is asked whether it runs Python.
FLOOR = 0.03
# CPU seconds it has for its answer, counted in ticks of the kernel's clock that meet it running: six at 250 a second,
# three at 100. Between two of them is time for many thousand calls and jumps; both together cannot come at one tick.
GRACE = 0.025
# A margin beyond this would come too late to be of use.
MOST = 0.5
# CPU seconds the watcher spends on one request for the GIL, 20 to 55 microseconds measured; reckoned high: a dump too
# late is better than too early. And for a look, in which it asks too when it has lost the GIL.
ASKING, LOOKING = 60e-6, 0.1
# So many dumps at once, and one more each so many seconds. One in some thousand meets a thread that has just left its
# native code, and of those one in 55 to 635 crashed a Python before 3.14. Who needs more knows by then, and what is
# called is mostly known without (blinds.py).
BURST, REFILL = 60, 10.0
# Threads of ours that `_thread` counts: the watcher and the judge.
OURS = 2


class Natives:
    """Dumps of a loop's thread that stands in native code, and the last words of a process that can say nothing."""

    def __init__(
        self, bus: Bus, hang_after: float | None, output: Callable[[], int | None], turns: Callable[[], int]
    ) -> None:
        """`output` gives the descriptor of the first output, None where there is none; `turns` is as in `Trips`."""
        self._bus = bus
        self._hang_after = hang_after
        self._patience: float | None = None  # the same while a loop runs
        self._library: Any = None
        self._file = DumpFile()
        self._words = LastWords(output, self._file)
        self._writers = Writers(self._file, self._words, hangs=hang_after is not None)
        self._timers = Timers()
        self.awake, self.asleep = self._timers.awake, self._timers.asleep
        self._trips = Trips(self._timers.answered, self._words.say, turns)
        self._period = 0.0
        self._left = float(BURST)
        self._counted_at = bus.now()
        self.why = env.why_no_dumps()
        # CPU seconds after which the last arming would have had a dump made; infinite where none could have been.
        self.margin = math.inf
        # Where the main thread answered, and so was not in one piece of native code, since the last look.
        self.passed: list[tuple[tuple[RawFrame, ...], int]] = []

    def prepare(self) -> None:
        """Load what is needed, before the program starts: a module must not appear while it runs."""
        if self.why:
            return
        try:
            import faulthandler

            with low_numbers_kept():
                from asyncwatch.hooks import kernel

                make_room()
            self._timer = kernel.Timer
            self._words.dump, self._writers.dumper = faulthandler.dump_traceback, faulthandler
            self._library = kernel.Library()
            files = kernel.Files()
            read_by(files.read)
            self._file.status, self._file.empty = files.status, files.empty
            self.why = self._trips.install() or self._first_thread()
            if not self.why:
                self._writers.open()
                self._make()
        except StopIteration:
            self.why = "no second real-time signal is free"
        except (ImportError, OSError, AttributeError) as error:
            self.why = f"kernel timers cannot be had: {error}"

    @staticmethod
    def _first_thread() -> str:
        """Why not, if Python's main thread is not the process's: signals would go to one that cannot answer."""
        same = _thread.get_native_id() == os.getpid()
        return "" if same else "Python's main thread is not that of the process"

    def first(self, period: float) -> None:
        """A loop is made: it may begin with native code before the watcher has looked at it. In the thread that did."""
        own = _thread.get_native_id() == os.getpid() and not env.other_interpreters()
        if own and not self.why and self._bus.works(PART) and self._left >= 1:
            asked = period + FLOOR + 2 * sys.getswitchinterval()
            try:
                if self._timers.arm_first(asked, asked + GRACE):
                    self.margin = asked + GRACE
            except Exception as error:
                self._fails(error)

    # -- called by the watcher, the first as soon as it has the GIL, the last just before it gives it away --

    def answering(self) -> bool:
        """Whether the watcher has the GIL only because native code that still goes on answers a signal."""
        return self._timers.trip is not None and self._trips.answering()

    @property
    def armed(self) -> tuple[tuple[int, float], ...]:
        """What is to be put off as long as all is well, see `Timers`."""
        return self._timers.armed

    def untouched(self) -> bool:
        """Whether the signals are still ours. Asked in the main thread, too, and nothing is armed any more if not."""
        if self.why or self._timers.trip is None or self._are_ours():
            return True
        self.disarm()
        return False

    def _are_ours(self) -> bool:
        return self._trips.ours() and self._writers.untouched()

    def disarm(self) -> None:
        """No signal from here on."""
        self._timers.disarm()

    def taken(self) -> list[tuple[Frame, ...]]:
        """The stacks that were written down since the last look, each innermost first."""
        self.passed = self._trips.taken()
        found = self._file.take()
        now = self._bus.now()
        self._left = min(BURST, self._left + (now - self._counted_at) / REFILL) - len(found)
        self._counted_at = now
        return found

    def arm(self, threads: Iterable[int], period: float, recent: float, *, runs: bool = True) -> None:
        """The watcher is about to sleep for `period` seconds; `threads` are the native ids of those that have loops.

        Only the main thread can answer, and so only of that one there is a proof; and only in the main interpreter.
        There is no hang where no loop `runs`.
        """
        self.margin = math.inf
        if self.why or not self._bus.works(PART):
            return
        self._trips.patience = self._patience = self._hang_after if runs else None
        try:
            if os.getpid() not in threads or env.other_interpreters():
                self.disarm()
            elif not self._are_ours():
                self._timers.delete()
                self.why = "the program has taken over a signal of ours"
            else:
                self._period = period
                self._arm(period, period + FLOOR + recent + 2 * sys.getswitchinterval())
        except Exception as error:
            self._fails(error)

    def arm_again(self) -> None:
        """As before the last sleep, for the look that has begun."""
        if self._timers.trip is None or self.margin == math.inf or self.why or not self._bus.works(PART):
            return
        try:
            self._arm(self._period, self.margin - GRACE, LOOKING)
        except Exception as error:
            self._fails(error)

    def _fails(self, error: Exception) -> None:
        """Nothing stays armed. What the system refuses is no fault of ours."""
        self.disarm()
        if isinstance(error, OSError):
            self.why = str(error)
        else:
            self._bus.fail(PART, error)

    def _arm(self, period: float, asked: float, looking: float = 0.0) -> None:
        if self._file.fd < 0:
            self._writers.open()
        timers = self._timers
        if timers.trip is None:
            self._make()
        margin = asked + GRACE
        dump = hang = 0.0
        if margin - period <= MOST and self._left >= 1:
            dump = self.margin = margin
        if self._patience is not None and len(timers.dumps) > 1 and self._words.fileno() is not None:
            hang = max(self._patience, 2 * margin)
        timers.arm(asked, dump, hang)
        if hang and self._patience is not None and _thread._count() <= OURS:
            self._arm_own(looking + max(GRACE, self._patience / sys.getswitchinterval() * ASKING))

    def _arm_own(self, asking: float) -> None:
        """The watcher's own patience: the CPU that asking for the GIL all that time costs it."""
        if self._timers.own is None:
            native = _thread.get_native_id()
            self._timers.own = self._timer(self._library, env.cpu_clock(native), native, self._writers.signals[1])
        self._timers.ask_for(asking)

    def _make(self) -> None:
        native = os.getpid()
        clock = env.tick_clock(native)
        dumps = [self._timer(self._library, clock, native, number) for number in self._writers.signals]
        self._timers.dumps = dumps
        self._timers.trip = self._timer(self._library, clock, native, self._trips.number)

    # -- beginning and end --

    def close(self) -> None:
        """Leave no timer, no handler and no descriptor."""
        self.rests()
        self._timers.delete()
        self._writers.close(self._library)
        if self._trips.ours():
            self._library.drop(self._trips.number)
            self._trips.uninstall()

    def rests(self) -> None:
        """The watcher's thread ends, for a fork or for good: its own timer goes with it, and none may be left armed."""
        self.disarm()
        self._timers.delete_own()

    def after_fork(self) -> None:
        """In the child: timers are not inherited, handlers and the file are."""
        self._timers.forget()
        self._writers.close(self._library)
