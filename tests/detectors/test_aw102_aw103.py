"""AW102 loop-hung and AW103 loop-saturated: what is said, and what is left to the machine."""

from __future__ import annotations

from typing import Any

from by_hand import LIBRARY, LOOP, a_task, at, judge, only, raw

from asyncwatch.detectors import aw102_loop_hung as hung
from asyncwatch.detectors import aw103_loop_saturated as saturated
from asyncwatch.events import Account, Collection, LoopHung, TurnsLong

CHARGE = (raw("charge", 41), raw("main", 12))
REFUND = (raw("refund", 50), raw("main", 13))
IN_LIBRARY = (raw("get", 160, LIBRARY), raw("take", 60))
BUSY = Account(5.0, 0.0)


def hangs(*samples: tuple[tuple[Any, ...], int], account: Account = BUSY, **more: Any) -> LoopHung:
    return LoopHung(LOOP, 5.1, 5.0, samples, a_task(), account, **more)


def turn(*samples: tuple[tuple[Any, ...], int], account: Account = BUSY, **more: Any) -> TurnsLong:
    fields = {"lag": 0.5, "threshold": 0.1, "callbacks": 25, "longest": 0.03, **more}
    return TurnsLong(LOOP, samples=samples, account=account, **fields)


def test_a_hang_is_an_error_at_the_line_that_runs() -> None:
    """While it lasts the finding is an error, and says that it still does."""
    finding = only(hung, hangs((CHARGE, 400)))
    assert (finding.level, finding.where) == ("error", at("charge", 41))
    assert finding.event == "step of task 'worker-3' has held the loop for 5.1 s in charge(), and still does"
    assert (finding.evidence["duration"], finding.evidence["hang_after"], finding.evidence["ended"]) == (5.1, 5.0, False)


def test_a_hang_told_afterwards_says_that_it_ended() -> None:
    """Native code that never let us look is reported when it ends, as that."""
    finding = only(hung, hangs((CHARGE, 400), account=Account(5.0, 0.0, gil=5.0), ended=True))
    assert finding.event == "step of task 'worker-3' held the loop for 5.1 s in charge()"
    assert finding.evidence["cause"] == "gil"


def test_what_the_machine_does_is_no_hang() -> None:
    """A process that was stopped, throttled or in a debugger is not reported as hung."""
    assert not judge(hung, hangs((CHARGE, 4), account=Account(0.01, 0.0, stopped=4.9)))
    assert not judge(hung, hangs((CHARGE, 4), account=Account(0.5, 0.0, throttled=4.5)))
    assert not judge(hung, hangs(((raw("interaction", 9, "/lib/pdb.py"), *CHARGE), 400)))


def test_a_short_hang_is_none() -> None:
    """Before `hang_after` nothing is said, nor without a look."""
    assert not judge(hung, LoopHung(LOOP, 4.9, 5.0, ((CHARGE, 400),), None, BUSY))
    assert not judge(hung, hangs())


def test_a_saturated_loop_is_named_with_its_busiest_line() -> None:
    """The place is the line most looks found, the share of each line is in the evidence."""
    finding = only(saturated, turn((CHARGE, 30), (REFUND, 10), ((), 10)))
    assert (finding.level, finding.where) == ("warning", at("charge", 41))
    assert [(row["line"], row["share"]) for row in finding.evidence["lines"]] == [(41, 0.6), (50, 0.2)]
    assert finding.event == "callbacks waited 500 ms for their turn behind many short ones, most of the time in charge()"
    assert (finding.evidence["lag"], finding.evidence["callbacks_seen"]) == (0.5, 25)


def test_one_slow_callback_is_not_saturation() -> None:
    """Where one callback alone is slow, AW101 says so and AW103 nothing."""
    assert not judge(saturated, turn((CHARGE, 30), longest=0.1))


def test_a_turn_that_waited_for_the_machine_is_not_saturation() -> None:
    """Without a CPU, or in the collector, the lag is nobody's work."""
    assert not judge(saturated, turn((CHARGE, 30), account=Account(0.05, 0.45)))
    run = Collection(0.45, 2, 0, raw("main", 3))
    assert not judge(saturated, turn((CHARGE, 30), account=Account(0.5, 0.0, collections=(run,))))


def test_a_few_looks_prove_no_share() -> None:
    """Fewer than three looks are no evidence."""
    assert not judge(saturated, turn((CHARGE, 2)))


def test_a_library_that_saturates_the_loop_is_info() -> None:
    """Work with no line of the application in it is for somebody else to change."""
    finding = only(saturated, turn(((raw("get", 160, LIBRARY),), 30)))
    assert finding.level == "info"
    assert only(saturated, turn((IN_LIBRARY, 30))).level == "warning"
