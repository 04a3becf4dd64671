"""The thread's own word that it runs Python: a signal that the interpreter answers at the next call or jump.

From a thread's first look at its signals on, no native code can have been running all the time. That holds whatever
keeps the watcher from the GIL: a machine with too little CPU, other threads, or a thread that gives the GIL away for
some microseconds every millisecond, which wakes those who wait, who come too late and have to wait from the beginning.
The interpreter answers signals in its main thread only, so only of that one is there such a word.
https://github.com/python/cpython/blob/3.13/Python/ceval_gil.c#L279 (take_gil)
https://docs.python.org/3/library/signal.html#execution-of-python-signal-handlers
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from asyncwatch.frames import RawFrame
from asyncwatch.hooks import walks
from asyncwatch.hooks.dumps import free_signals, handler_of
from asyncwatch.hooks.stacks import HANDLERS, QUESTIONS, is_ours, program_frames, stack_of

# Places kept until the watcher looks: more than one is enough to know that no single call took the time.
MOST_PLACES = 16


class Trips:
    """One real-time signal, answered by `passes` in the main thread. `number` is 0 while there is none."""

    def __init__(self, passes: Callable[[], None], hangs: Callable[[], None], turns: Callable[[], int]) -> None:
        """`passes` is told at each answer, `hangs` once when native code answers and does not end.

        `turns` is a number that grows when the loop of the main thread turns.
        """
        self._passes = passes
        self._hangs = hangs
        self._turns = turns
        self.patience: float | None = None
        self.number = 0
        # Where the main thread stood at its answers since the watcher last looked, each stack innermost first, and how
        # often its loop had turned by then.
        self.places: list[tuple[tuple[RawFrame, ...], int]] = []
        self._stands: tuple[int, int] | None = None
        self._since = 0.0
        self._told = False

    def install(self) -> str:
        """Take a signal; why not, if that cannot be."""
        if threading.current_thread() is not threading.main_thread():
            return "installed outside the main thread, where no signal can be asked for"
        for number in free_signals():
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._on_signal)
                signal.siginterrupt(number, False)
                self.number = number
                return ""
        return "no real-time signal is free"

    def uninstall(self) -> None:
        """Put the default action back. Only the main thread can: from another the handler stays, and is not called."""
        if self.ours() and threading.current_thread() is threading.main_thread():
            signal.signal(self.number, signal.SIG_DFL)
        self.number = 0

    def ours(self) -> bool:
        """Whether it is still we who answer: the program may have taken the signal since."""
        return self.number > 0 and handler_of(self.number) == self._on_signal

    def taken(self) -> list[tuple[tuple[RawFrame, ...], int]]:
        """The stacks, called by the watcher at each look: what stood still until now may go on."""
        places, self.places = self.places, []
        self._stands = None
        return places

    def answering(self) -> bool:
        """Whether the main thread, when it let the watcher run, was about to answer out of one piece of native code.

        Native code that polls for signals goes on as soon as the watcher reads a file: this is no moment to look.
        """
        top = walks.current_frames().get(threading.main_thread().ident or 0)
        frames = program_frames(top)
        if top is None or not frames or frames[0] is top or top.f_code in QUESTIONS:
            return False
        return self._stands in (None, (id(frames[0]), frames[0].f_lasti))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Runs in the middle of the program: it must be short, and raise nothing.
        try:
            self._passes()
            if frame is None:
                return
            if len(self.places) < MOST_PLACES:
                # In Python of ours it stood in no native code of the program's.
                self.places.append(((), 0) if is_ours(frame) else (stack_of(frame), self._turns()))
            self._look_for_hang((id(frame), frame.f_lasti))
        except Exception:
            self.number = 0  # not ours() any more: no dump will be asked for again

    def _look_for_hang(self, stands: tuple[int, int]) -> None:
        """Native code may answer signals, as `re` does: it stands at one instruction all the same."""
        now = time.thread_time()
        if stands != self._stands:
            self._stands, self._since, self._told = stands, now, False
        elif self.patience is not None and now - self._since >= self.patience and not self._told:
            self._told = True
            self._hangs()


HANDLERS.add(Trips._on_signal.__code__)
