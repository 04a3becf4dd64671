"""A thread of ours: not in `threading.enumerate()`, not waited for at exit, and gone from the process when stopped."""

from __future__ import annotations

import _thread
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from asyncwatch.env import OUR_THREADS

# Seconds until the next turn after one that raised.
AFTER_FAULT = 0.25


class _Life:
    """From a start to its stop: a thread that comes late to its end must not take the next one's locks for its own."""

    def __init__(self, new_wake: Callable[[], Any]) -> None:
        self.wake, self.ended = new_wake(), _thread.allocate_lock()
        self.wake.acquire()
        self.ended.acquire()
        self.stopping = False
        self.native = 0


class Worker:
    """Runs `turn` whenever it is poked, and again after as many seconds as the last turn returned.

    `rests` is told just before each sleep how long it will be, `ends` is the last thing the thread does. `sleep` is
    called to wait in its place; it is given the lock that is released when the worker is poked, as `new_wake` makes it.
    `fails` is told of what a turn raised, and the next comes after a while; without it that ends the thread.
    """

    def __init__(
        self,
        turn: Callable[[], float | None],
        rests: Callable[[float], None] | None = None,
        ends: Callable[[], None] | None = None,
        sleep: Callable[[Any, float], None] | None = None,
        fails: Callable[[Exception], None] | None = None,
        new_wake: Callable[[], Any] = _thread.allocate_lock,
    ) -> None:
        self._turn = turn
        self._fails = fails
        self._sleep = sleep
        self._rests = rests
        self._ends = ends
        self._new_wake = new_wake
        self._life = _Life(new_wake)
        self.running = False
        self.cpu = 0.0

    def start(self) -> None:
        """Begin, unless it runs. Raises RuntimeError when there is no thread to be had."""
        if self.running:
            return
        self.running = True
        self._life = _Life(self._new_wake)
        # Not threading.Thread: it must not be in threading.enumerate() nor be waited for at exit.
        try:
            _thread.start_new_thread(self._run, (self._life,))
        except RuntimeError:
            self.running = False
            raise

    def poke(self) -> None:
        """Have it take a turn now."""
        try:
            self._life.wake.release()
        except RuntimeError:
            pass  # it is awake

    def stop(self, timeout: float) -> bool:
        """One last turn, then the end; False when that took longer than `timeout` seconds. Several threads may ask."""
        if not self.running:
            return True
        life = self._life
        life.stopping = True
        self.poke()
        ended = life.ended.acquire(timeout=timeout)
        if ended:
            life.ended.release()
            wait_until_gone(life.native)
        self.running = False
        return ended

    def _run(self, life: _Life) -> None:
        life.native = _thread.get_native_id()
        OUR_THREADS.add(_thread.get_ident())
        before = time.thread_time()
        try:
            while not life.stopping:
                if not self._guarded(self._cycle, life):
                    life.wake.acquire(timeout=AFTER_FAULT)
            self._guarded(self._turn)
        finally:
            try:
                if self._ends is not None:
                    self._ends()
            finally:
                self._hide()
                OUR_THREADS.discard(_thread.get_ident())
                self.cpu += time.thread_time() - before
                life.ended.release()

    def _cycle(self, life: _Life) -> None:
        """A turn, and the sleep after it."""
        period = self._turn()
        self._hide()
        if period is None:
            life.wake.acquire()
            return
        if self._rests is not None:
            self._rests(period)
        if self._sleep is not None:
            self._sleep(life.wake, period)
        else:
            life.wake.acquire(timeout=period)

    def _guarded(self, function: Callable[..., object], *args: Any) -> bool:
        """Whether this did not raise."""
        try:
            function(*args)
        except Exception as error:
            if self._fails is None:
                raise
            self._fails(error)
            return False
        return True

    def _hide(self) -> None:
        """The collector may run the program's finalisers here, and whoever logs is given a thread object to name."""
        threading._active.pop(_thread.get_ident(), None)  # type: ignore[attr-defined]


def wait_until_gone(native: int, patience: float = 0.2) -> None:
    """Wait for an ended thread to leave the process table, so that a fork finds one thread less."""
    end = time.monotonic() + patience
    while native and os.path.exists(f"/proc/self/task/{native}") and time.monotonic() < end:
        time.sleep(0.0005)
