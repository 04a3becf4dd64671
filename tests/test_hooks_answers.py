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
from asyncwatch.hooks.natives import BURST, GRACE, LOOKING, REFILL, Natives


class Timer:
    """A kernel timer by hand; `before` is called once when it is about to be armed, as if the GIL were lost there."""

    def __init__(self, before: Callable[[], None] | None = None) -> None:
        self.seconds = 0.0
        self.before = before
        self.deleted = False

    def arm(self, seconds: float) -> None:
        if seconds and self.before is not None:
            before, self.before = self.before, None
            before()
        if not self.deleted:
            self.seconds = seconds

    def stop(self) -> None:
        self.seconds = 0.0

    def delete(self) -> None:
        self.seconds, self.deleted = 0.0, True


@pytest.fixture
def natives() -> Natives:
    made = Natives(Bus(frozenset()), 5.0, lambda: 1, lambda: 0)
    made._file.fd = 0
    made._timers.trip, made._timers.own = Timer(), Timer()
    made._timers.dumps = [Timer(), Timer()]
    return made


@pytest.mark.parametrize("which", [0, 1])
def test_an_answer_while_a_dump_is_being_armed(natives: Natives, which: int) -> None:
    """The main thread answers just before a dump is armed: it is asked again, and all dumps come after that question."""
    timers = natives._timers
    timers.dumps[which].before = timers.answered
    natives._patience = 5.0
    natives._arm(0.025, 0.06)
    assert 0 < timers.trip.seconds <= min(timer.seconds for timer in timers.dumps if timer.seconds) - GRACE + 1e-9


def test_an_answer_begins_anew(natives: Natives) -> None:
    """Native code that follows an answer is written down like any, after a question of its own; the watcher's timer
    waits for the watcher."""
    timers = natives._timers
    natives._patience = 5.0
    natives._arm(0.025, 0.06)
    was = [timer.seconds for timer in (timers.trip, *timers.dumps)]
    for timer in (timers.trip, *timers.dumps, timers.own):
        timer.seconds = -1.0
    timers.answered()
    assert [timer.seconds for timer in (timers.trip, *timers.dumps)] == was
    assert timers.own.seconds == 0


@pytest.mark.parametrize("where", ["trip", 0, 1])
@pytest.mark.parametrize("does", ["disarm", "arm"])
def test_a_watcher_that_gets_its_turn_in_an_answer_counts(natives: Natives, where: str | int, does: str) -> None:
    """Wherever the watcher disarms, or arms with other lengths, while the main thread arms anew, no dump stays armed."""
    timers = natives._timers
    natives._patience = 5.0
    natives._arm(0.025, 0.06)
    interrupted = timers.trip if where == "trip" else timers.dumps[int(where)]
    interrupted.before = timers.disarm if does == "disarm" else lambda: natives._arm(0.01, 0.045)
    timers.answered()
    assert [timer.seconds for timer in timers.dumps] == [0, 0]


def test_what_the_watcher_spends_on_looks_is_no_asking(natives: Natives) -> None:
    """Its own timer stands still while it looks, begins anew with each sleep, and has more time in a look."""
    timers = natives._timers
    natives._patience = 5.0
    natives._arm(0.025, 0.06)
    asking = timers.own.seconds
    assert asking >= 5.0 / 0.005 * 20e-6
    natives.awake()
    assert timers.own.seconds == 0
    natives.asleep()
    assert timers.own.seconds == asking
    natives._arm(0.025, 0.06, LOOKING)
    assert timers.own.seconds == asking + LOOKING
    natives.disarm()
    natives.asleep()
    assert timers.own.seconds == 0


def test_no_answer_arms_what_is_disarmed(natives: Natives) -> None:
    """After the watcher has disarmed, a late answer to the last question arms nothing."""
    timers = natives._timers
    natives._arm(0.025, 0.06)
    natives.disarm()
    timers.answered()
    assert [timer.seconds for timer in (timers.trip, *timers.dumps, timers.own)] == [0, 0, 0, 0]


def test_nothing_is_armed_before_its_question(natives: Natives) -> None:
    """What was armed before is disarmed before the watcher puts off its question."""
    timers = natives._timers
    natives._patience = 5.0
    natives._arm(0.025, 0.06)
    armed: list[list[float]] = []
    timers.trip.before = lambda: armed.append([timer.seconds for timer in (*timers.dumps, timers.own)])
    natives._arm(0.025, 0.06)
    assert armed == [[0, 0, 0]]


@pytest.mark.parametrize("where", ["trip", 0])
@pytest.mark.parametrize("does", ["disarm", "arm", "delete"])
def test_a_watcher_that_gets_its_turn_in_the_first_arming_counts(natives: Natives, where: str | int, does: str) -> None:
    """Wherever the watcher acts while the main thread arms for a new loop, no dump of the main thread's stays armed, and
    an answer arms none without a question."""
    timers = natives._timers
    dumps = list(timers.dumps)
    acts = {"disarm": timers.disarm, "arm": lambda: natives._arm(0.01, 0.3), "delete": timers.delete}
    (timers.trip if where == "trip" else dumps[int(where)]).before = acts[does]
    timers.arm_first(0.06, 0.085)
    assert [timer.seconds for timer in dumps] == [0, 0]
    timers.answered()
    assert all(timers.trip.seconds <= timer.seconds - GRACE + 1e-9 for timer in dumps if timer.seconds)


def test_the_first_arming_leaves_the_watchers_alone(natives: Natives) -> None:
    """When the watcher has armed, or does so, a new loop changes nothing; when it has not, question and dump are armed."""
    timers = natives._timers
    timers.arm_first(0.06, 0.085)
    assert [timer.seconds for timer in (timers.trip, *timers.dumps)] == [0.06, 0.085, 0]
    natives._arm(0.01, 0.3)
    timers.arm_first(0.06, 0.085)
    assert timers.trip.seconds == 0.3
    natives.disarm()
    timers.trip.before = lambda: timers.arm_first(0.06, 0.085)
    natives._arm(0.01, 0.3)
    assert timers.dumps[0].seconds == 0.3 + GRACE


def test_dumps_are_disarmed_before_the_question(natives: Natives) -> None:
    """When the watcher disarms, there is no moment with a dump armed and nothing that would ask before it."""
    natives._arm(0.025, 0.06)
    armed: list[list[float]] = []

    class Watched(Timer):
        def stop(self) -> None:
            armed.append([timer.seconds for timer in natives._timers.dumps])

    natives._timers.trip = Watched()
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


def test_dumps_are_not_made_without_end(natives: Natives, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a burst of dumps none is armed until time has passed, and then one for each piece of it."""
    made = [0]
    monkeypatch.setattr(natives._file, "take", lambda: [()] * made[0])
    natives._counted_at, clock = 0.0, [0.0]
    monkeypatch.setattr(natives._bus, "now", lambda: clock[0])

    def armed() -> bool:
        natives._arm(0.025, 0.06)
        return bool(natives._timers.dumps[0].seconds)

    for made[0] in [0, *[1] * (BURST - 1)]:
        natives.taken()
        assert armed()
    natives.taken()
    assert not armed()
    assert natives._timers.trip.seconds > 0
    made[0], clock[0] = 0, 1.01 * REFILL
    natives.taken()
    assert armed()
    made[0] = 1
    natives.taken()
    assert not armed()
