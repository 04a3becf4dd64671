"""The watcher's own punctuality, told from a clock and a count of naps that are made up."""

from __future__ import annotations

import sys

import pytest

from asyncwatch.hooks.pulse import FORGET, PUNCTUAL, Pulse


class Naps:
    """A count of voluntary switches that the test sets."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        return self.count


def slept(pulse: Pulse, naps: Naps | None, late: float, napped: int) -> str:
    pulse.rests(100.0, 1.0)
    if naps is not None:
        naps.count += 1 + napped
    gap = pulse.woke(101.0 + late)
    assert (gap.since, gap.now) == (100.0, 101.0 + late)
    return gap.cause


def asked(seconds: float) -> int:
    """The naps of a thread that waits so long for the GIL."""
    return int(seconds / sys.getswitchinterval())


def test_who_wakes_in_time_was_kept_by_nothing() -> None:
    """Lateness below what a busy machine has anyway has no cause, nor has waking early."""
    naps = Naps()
    pulse = Pulse(naps)
    assert slept(pulse, naps, PUNCTUAL / 2, 0) == ""
    assert slept(pulse, naps, -0.5, 0) == ""
    assert (pulse.stopped, pulse.without_gil) == (0.0, 0.0)


def test_the_first_wake_is_no_gap() -> None:
    """Who never went to sleep cannot be late."""
    assert Pulse(Naps()).woke(5.0).cause == ""


def test_late_with_naps_is_a_wait_for_the_gil() -> None:
    """Who napped every switch interval was waiting for the GIL."""
    naps = Naps()
    pulse = Pulse(naps)
    assert slept(pulse, naps, 0.4, asked(0.4)) == "gil"
    assert pulse.without_gil == pytest.approx(0.4)
    assert pulse.stopped == 0.0


def test_many_short_naps_are_no_single_wait() -> None:
    """Who was woken again and again by a GIL that was gone again waited for several holders, and the gap says so."""
    naps = Naps()
    pulse = Pulse(naps)
    pulse.rests(100.0, 1.0)
    naps.count += 1 + asked(0.4)
    assert not pulse.woke(101.4).shared
    pulse.rests(100.0, 1.0)
    naps.count += 1 + 2 * asked(0.4)
    gap = pulse.woke(101.4)
    assert (gap.cause, gap.shared) == ("gil", True)


def test_late_without_naps_was_stopped() -> None:
    """Who did not run at all did not nap, and was stopped or had no CPU."""
    naps = Naps()
    pulse = Pulse(naps)
    assert slept(pulse, naps, 0.4, 1) == "stopped"
    assert pulse.stopped == pytest.approx(0.4)


def test_without_a_count_the_cause_is_not_known() -> None:
    """Where nobody counts switches, lateness has no cause that could be named."""
    assert slept(Pulse(None), None, 0.4, 0) == "unknown"


def test_what_was_not_explained_is_reckoned_with_and_forgotten() -> None:
    """Unexplained lateness counts at once, the longest of them, and less at each wake."""
    pulse = Pulse(Naps())
    pulse.unexplained(0.3)
    pulse.unexplained(0.1)
    assert pulse.recent == 0.3
    for _ in range(100):
        pulse.rests(1.0, 1.0)
        pulse.woke(2.0)
    assert pulse.recent == pytest.approx(0.3 * FORGET**100)
    assert pulse.recent < 0.15


def test_a_look_that_lost_the_gil_counts_from_its_beginning() -> None:
    """After an interrupted look the next one is late since that look began, whether it napped for the GIL or stood."""
    naps = Naps()
    pulse = Pulse(naps)
    assert slept(pulse, naps, 0.0, 0) == ""
    naps.count += asked(0.1)
    pulse.interrupted(judged=True)
    gap = pulse.woke(101.1)
    assert (gap.since, gap.due, gap.cause) == (101.0, 101.0, "gil")
    pulse.interrupted(judged=True)
    assert pulse.woke(101.2).cause == "stopped"


def test_a_look_that_judged_nothing_was_none() -> None:
    """After looks that lost the GIL before they had judged a loop the next one is late since they were due."""
    naps = Naps()
    pulse = Pulse(naps)
    pulse.rests(100.0, 1.0)
    naps.count += 1 + asked(0.2)
    assert pulse.woke(101.2).late == pytest.approx(0.2)
    for late in (0.3, 0.5):
        naps.count += asked(0.1)
        pulse.interrupted(judged=False)
        gap = pulse.woke(101.0 + late)
        assert (gap.since, gap.due) == (100.0, 101.0)
        assert gap.late == pytest.approx(late)
    assert gap.cause == "gil"


def test_who_is_called_is_due_at_once() -> None:
    """A watcher that is poked in the middle of its sleep is late from then on; at other times that says nothing."""
    pulse = Pulse(Naps())
    pulse.rests(100.0, 1.0)
    pulse.called(100.4)
    assert pulse.due == 100.4
    pulse.called(100.6)
    pulse.called(99.0)
    assert pulse.due == 100.4


def test_the_first_look_is_late_as_well() -> None:
    """From the start of its thread on the watcher can be kept from looking: that is counted like any lateness."""
    naps = [0]
    pulse = Pulse(lambda: naps[0])
    pulse.begins(10.0)
    naps[0] = 60
    gap = pulse.woke(10.5)
    assert (gap.since, gap.due, gap.late, gap.cause) == (10.0, 10.0, 0.5, "gil")
    assert pulse.without_gil == 0.5
