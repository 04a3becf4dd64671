"""The main thread's answer that it runs Python: no dump may come after it, whatever the watcher was doing meanwhile."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from asyncwatch.hooks import walks
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.natives import Natives


class Timer:
    """A kernel timer by hand; `before` is called once when it is about to be armed, as if the GIL were lost there."""

    def __init__(self, before: Callable[[], None] | None = None) -> None:
        self.seconds = 0.0
        self.before = before

    def arm(self, seconds: float) -> None:
        before, self.before = self.before, None
        if seconds and before is not None:
            before()
        self.seconds = seconds


@pytest.fixture
def natives() -> Natives:
    made = Natives(Bus(frozenset()), 5.0, lambda: 1, lambda: 0)
    made._file.fd = 0
    made._trip, made._own = Timer(), Timer()
    made._timers = [Timer(), Timer()]
    return made


@pytest.mark.parametrize("which", [0, 1])
def test_an_answer_while_a_dump_is_being_armed(natives: Natives, which: int) -> None:
    """The main thread answers just before a dump is armed: it is asked again, and its next answer disarms all dumps."""
    natives._timers[which].before = natives._passes
    natives._arm(0.025, 0.06)
    armed = [timer.seconds for timer in natives._timers if timer.seconds]
    assert 0 < natives._trip.seconds < min(armed)
    natives._passes()
    assert [timer.seconds for timer in (*natives._timers, natives._own)] == [0, 0, 0]
    assert natives._trip.seconds > 0


def test_dumps_are_disarmed_before_the_question(natives: Natives) -> None:
    """When the watcher disarms, there is no moment with a dump armed and nothing that would ask before it."""
    natives._arm(0.025, 0.06)
    armed: list[list[float]] = []

    class Watched(Timer):
        def arm(self, seconds: float) -> None:
            armed.append([timer.seconds for timer in natives._timers])

    natives._trip = Watched()
    natives.disarm()
    assert armed == [[0, 0]]


def test_frames_are_read_at_one_moment() -> None:
    """`frames_from` gives the callers in order, in one piece, and leaves the collector as it found it."""

    def inner() -> tuple[Any, ...]:
        return walks.frames_from(sys._getframe())

    for enabled in (True, False):
        gc.enable() if enabled else gc.disable()
        try:
            frames = inner()
            assert gc.isenabled() is enabled
        finally:
            gc.enable()
        assert [frame.f_code.co_name for frame in frames[:2]] == ["inner", "test_frames_are_read_at_one_moment"]
        assert all(one.f_back is other for one, other in itertools.pairwise(frames))
        assert frames[-1].f_back is None
    assert walks.frames_from(None) == ()


def test_a_stack_that_shrinks_and_grows_can_be_read() -> None:
    """Read ten thousand times while another thread goes in and out of a hundred calls, a stack is never torn."""
    end = threading.Event()

    def down(depth: int) -> None:
        if depth:
            down(depth - 1)

    def churn() -> None:
        while not end.is_set():
            down(100)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(10_000):
            names = [frame.f_code.co_name for frame in walks.frames_from(walks.current_frames()[thread.ident])]
            deep = [name for name in names if name in ("down", "churn")]
            assert deep == sorted(deep, reverse=True)
    finally:
        end.set()
        thread.join()
