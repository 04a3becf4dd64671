"""Runs of the garbage collector: which are heard of, and what of them falls into a window."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.collector import KEPT, SHORTEST, Collector


class Clock:
    now = 0.0


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that hears of what the test tells it, on a clock of the test's."""
    gc.disable()
    bus = Bus(frozenset())
    bus.now = lambda: Clock.now
    yield Collector(bus)
    gc.enable()


def run(collector: Collector, began: float, end: float, generation: int = 2) -> None:
    Clock.now = began
    collector._on_gc("start", {"generation": generation})
    Clock.now = end
    collector._on_gc("stop", {"generation": generation, "collected": 7})


def test_a_run_is_heard_with_generation_and_place() -> None:
    """The collector's own callback tells of a run that is asked for: where, of which generation."""
    now = iter(range(100))
    bus = Bus(frozenset())
    bus.now = lambda: float(next(now))
    collector = Collector(bus)
    collector.install()
    try:
        gc.collect(1)
    finally:
        collector.uninstall()
    (one, *_) = collector.between(0.0, 100.0)
    assert one.generation == 1
    assert one.at is not None
    assert one.at[0] is test_a_run_is_heard_with_generation_and_place.__code__


def test_a_window_cuts(collector: Collector) -> None:
    """Of a run only the part inside the window counts, and what is too short there is left out."""
    run(collector, 10.0, 12.0)
    assert [one.seconds for one in collector.between(0.0, 100.0)] == [2.0]
    assert [one.seconds for one in collector.between(11.0, 11.5)] == [0.5]
    assert [one.seconds for one in collector.between(9.0, 10.5)] == [0.5]
    assert collector.between(12.0, 20.0) == ()
    assert collector.between(0.0, 10.0 + SHORTEST / 2) == ()


def test_a_short_run_is_nothing(collector: Collector) -> None:
    """A run too short to be part of a stall is not kept."""
    run(collector, 1.0, 1.0 + SHORTEST / 2)
    assert collector.between(0.0, 2.0) == ()


def test_a_run_that_goes_on_counts_up_to_now(collector: Collector) -> None:
    """A run that has not ended fills the window from its beginning."""
    Clock.now = 5.0
    collector._on_gc("start", {"generation": 2})
    assert [(one.seconds, one.generation) for one in collector.between(4.0, 6.0)] == [(1.0, 2)]
    Clock.now = 7.0
    collector._on_gc("stop", {"generation": 2, "collected": 0})
    assert [one.seconds for one in collector.between(4.0, 8.0)] == [2.0]


def test_only_so_many_are_kept(collector: Collector) -> None:
    """The list of runs is bounded, and the latest are those kept."""
    for number in range(KEPT + 10):
        run(collector, number, number + 0.5)
    assert len(collector.between(0.0, 1e6)) == KEPT
    assert collector.between(0.0, 10.0) == ()


def test_another_thread_that_runs_meanwhile_collects_nothing() -> None:
    """While a finalizer that the collector called waits for another thread, only its own thread is collecting."""
    collector = Collector(Bus(frozenset()))
    found: dict[str, bool] = {}

    class Waits:
        def __del__(self) -> None:
            found["here"] = collector.collecting_here
            other = threading.Thread(target=lambda: found.update(there=collector.collecting_here))
            other.start()
            other.join()

    collector.install()
    try:
        cycle: list[object] = [Waits()]
        cycle.append(cycle)
        del cycle
        gc.collect()
    finally:
        collector.uninstall()
    assert found == {"here": True, "there": False}
    assert not collector.collecting_here


def test_the_callbacks_are_left_as_they_were() -> None:
    """Installing adds one callback behind the program's own; uninstalling, twice too, takes only that one away."""

    def own(phase: str, info: dict[str, int]) -> None:
        pass

    gc.callbacks.append(own)
    before = list(gc.callbacks)
    collector = Collector(Bus(frozenset()))
    collector.install()
    assert gc.callbacks[:-1] == before
    collector.uninstall()
    collector.uninstall()
    assert gc.callbacks == before
    gc.callbacks.remove(own)
