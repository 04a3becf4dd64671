"""The kernel timers aimed at the main thread: a question, and the dumps that its answer puts off.

A dump may come only where the question was asked GRACE earlier and not answered. Two threads arm and disarm: the
watcher, which may lose the GIL between any two lines, and the main thread, which answers in the middle of its program
and keeps the GIL or gets it back. So the order of the lines is the proof: a dump is never armed without a question
that comes before it, and whoever finds that the other has been there meanwhile leaves no dump behind.
"""

from __future__ import annotations

from typing import Any


class Timers:
    """`trip` asks. Of `dumps` the first writes down the thread's stack, the second, of a hang, those of all threads.

    `own` is of a hang, too, and runs on the watcher's clock.
    """

    def __init__(self) -> None:
        self.trip: Any = None
        self.dumps: list[Any] = []
        self.own: Any = None
        self._asking = 0.0  # CPU seconds of the watcher until that; 0 when it is not wanted
        self._asks = 0.0  # CPU seconds until the question; 0 when none is asked
        self._delays: tuple[float, ...] | None = None  # those of the dumps; None while they are being armed
        self._turn = 0  # counts what the watcher does
        self._arming = False

    def arm(self, asks: float, *delays: float) -> None:
        """Begin anew: the question comes after so many CPU seconds, the dumps after these; 0 is never."""
        # The question before all that waits for the answer, and none of the last before this one's question.
        self._arming, self._delays = True, None
        self._turn += 1
        self._no_dump()
        self._asks = asks
        self.trip.arm(asks)
        self._arm_dumps(delays)
        self._arming, self._delays = False, delays

    def arm_first(self, asks: float, *delays: float) -> bool:
        """The same in the main thread, in the middle of its program: unless the watcher has done so, or does."""
        turn, trip = self._turn, self.trip
        if self._arming or self._asks or trip is None:
            return False
        self._asks = asks
        trip.arm(asks)
        self._arm_dumps(delays)
        if self._turn != turn:  # the watcher has been here meanwhile
            self._no_dump()
            return False
        self._delays = delays
        return True

    def disarm(self) -> None:
        """No signal from here on. The dumps before the question."""
        self._asks, self._asking, self._delays = 0.0, 0.0, None
        self._turn += 1
        self._no_dump()
        if self.trip is not None:
            self.trip.stop()

    @property
    def armed(self) -> tuple[tuple[int, float], ...]:
        """The number and the delay of what is armed on the main thread's clock, the question first."""
        trip, delays = self.trip, self._delays
        if trip is None or not self._asks or delays is None:
            return ()
        dumps = ((dump.number, seconds) for dump, seconds in zip(self.dumps, delays, strict=False) if seconds)
        return ((trip.number, self._asks), *dumps)

    def ask_for(self, seconds: float) -> None:
        """The watcher sleeps and then asks for the GIL; so much of its CPU is too much for that."""
        self._asking = seconds
        self.asleep()

    def awake(self) -> None:
        """It has the GIL: what it spends from here on is no asking."""
        if self.own is not None:
            self.own.stop()

    def asleep(self) -> None:
        """It sleeps on, and nothing else has changed."""
        if self._asking and self.own is not None:
            self.own.arm(self._asking)

    def answered(self) -> None:
        """The main thread runs Python: all begins anew, for more native code may follow before the watcher's turn.

        While the watcher is arming only the question does, for what it is about to arm has not been disarmed here.
        """
        self._no_dump()  # first of all: native code may have ended just before the dump was due
        turn, delays = self._turn, self._delays
        if self._asks and self.trip is not None:
            self.trip.arm(self._asks)
        if not self._asks or delays is None:
            return
        self._arm_dumps(delays)
        # The watcher may have had its turn at any of these lines, and then what it did counts. This thread has not
        # computed for long enough since to be at the dump.
        if self._turn != turn:
            self._no_dump()

    def _arm_dumps(self, delays: tuple[float, ...]) -> None:
        for dump, seconds in zip(self.dumps, delays, strict=False):
            if seconds:
                dump.arm(seconds)
            else:
                dump.stop()

    def _no_dump(self) -> None:
        """All of them, armed or not: the watcher may be about to arm one, and the next answer must find it."""
        for dump in self.dumps:
            dump.stop()
        if self.own is not None:
            self.own.stop()

    def delete_own(self) -> None:
        """The watcher's thread ends."""
        own, self.own = self.own, None
        if own is not None:
            own.delete()

    def delete(self) -> None:
        """All but the watcher's own."""
        self.disarm()
        trip, self.trip = self.trip, None
        dumps, self.dumps = self.dumps, []
        for timer in dumps:
            timer.delete()
        if trip is not None:
            trip.delete()

    def forget(self) -> None:
        """In a forked child, which inherits none."""
        self.trip = self.own = None
        self.dumps = []
        self._asks, self._asking, self._delays, self._arming = 0.0, 0.0, None, False
