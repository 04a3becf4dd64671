"""A thread of ours: its turns, its rests and its end."""

from __future__ import annotations

import threading
import time

import pytest

from asyncwatch.workers import Worker

PATIENCE = 30.0


def test_each_poke_is_a_turn() -> None:
    """A worker that wants no time of its own turns once at its start and once for each poke."""
    turned = threading.Semaphore(0)
    worker = Worker(turned.release)
    worker.start()
    for _ in range(3):
        assert turned.acquire(timeout=PATIENCE)
        worker.poke()
    assert turned.acquire(timeout=PATIENCE)
    assert worker.stop(PATIENCE)


def test_it_turns_again_after_its_period() -> None:
    """Without any poke the worker turns again when the seconds are over that its last turn returned."""
    turned = threading.Semaphore(0)

    def turn() -> float:
        turned.release()
        return 0.001

    worker = Worker(turn)
    worker.start()
    assert all(turned.acquire(timeout=PATIENCE) for _ in range(5))
    assert worker.stop(PATIENCE)


def test_a_turn_that_raises_is_told_of_and_not_the_last() -> None:
    """What a turn raises goes to whoever wants to know, the next comes all the same, and the end is told."""
    told: list[str] = []
    turned = threading.Semaphore(0)

    def turn() -> None:
        turned.release()
        raise RuntimeError("at a turn")

    worker = Worker(turn, ends=lambda: told.append("end"), fails=lambda error: told.append(str(error)))
    worker.start()
    for _ in range(2):
        assert turned.acquire(timeout=PATIENCE)
        worker.poke()
    assert worker.stop(PATIENCE)
    assert len(told) >= 3
    assert told == ["at a turn"] * (len(told) - 1) + ["end"]


def test_rests_and_end_are_told() -> None:
    """Before each sleep it is told for how long, and the end, after one last turn, is told once."""
    told: list[object] = []
    rested = threading.Event()

    def turn() -> float:
        told.append("turn")
        return 600.0

    def rests(seconds: float) -> None:
        told.append(seconds)
        rested.set()

    worker = Worker(turn, rests, lambda: told.append("end"))
    worker.start()
    assert rested.wait(PATIENCE)
    assert worker.stop(PATIENCE)
    assert told == ["turn", 600.0, "turn", "end"]


def test_stop_waits_for_the_end_and_says_if_it_did_not_come() -> None:
    """`stop` is False while a turn goes on, and True at once for a worker that does not run."""
    held = threading.Event()

    def turn() -> None:
        held.wait(PATIENCE)

    worker = Worker(turn)
    assert worker.stop(0.0)
    worker.start()
    assert worker.running
    assert not worker.stop(0.01)
    held.set()


def test_a_stopped_worker_is_gone_and_can_start_again() -> None:
    """After `stop` its thread is not there, nor was it ever enumerated; a second start works as the first."""
    for _ in range(2):
        turned = threading.Semaphore(0)
        worker = Worker(turned.release)
        worker.start()
        assert turned.acquire(timeout=PATIENCE)
        assert all(thread.native_id != worker._life.native for thread in threading.enumerate())
        assert worker.stop(PATIENCE)
        assert not worker.running


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_end_is_told_after_a_turn_that_raised() -> None:
    """A turn that raises ends the thread; the end is told all the same, and `stop` does not wait in vain."""
    ended = threading.Event()

    def turn() -> None:
        raise ZeroDivisionError

    worker = Worker(turn, ends=ended.set)
    worker.start()
    assert ended.wait(PATIENCE)
    began = time.monotonic()
    assert worker.stop(PATIENCE)
    assert time.monotonic() - began < PATIENCE
