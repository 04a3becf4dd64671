"""AW105 executor-saturated: who queued what waits, and what the threads do instead."""

from __future__ import annotations

from typing import Any

from by_hand import LIBRARY, LOOP, a_task, at, judge, only, raw

from asyncwatch.detectors import aw105_executor_saturated as rule
from asyncwatch.events import ExecutorWaits

CALL = (raw("thumbnail", 21), raw("main", 12))
MADE = (raw("main", 30),)
BUSY = ((raw("read", 300, LIBRARY), raw("shrink", 8)), 3)
OTHER = ((raw("resize", 9),), 1)


def waits(*queued: Any, **changed: Any) -> ExecutorWaits:
    facts = {
        "waited": 0.1234567,
        "threshold": 0.1,
        "workers": 4,
        "waiting": 17,
        "busy": (BUSY, OTHER),
        "running": (),
        "call": "to_thread",
        "task": a_task(*MADE),
    }
    return ExecutorWaits(LOOP, queued=queued, **{**facts, **changed})


def test_the_call_that_queued_it_is_named() -> None:
    """The finding is a warning at the application's call, with the stack outermost first."""
    finding = only(rule, waits(*CALL))
    assert (finding.where, finding.level) == (at("thumbnail", 21), "warning")
    assert finding.stack == (at("main", 12), at("thumbnail", 21))
    assert finding.task == a_task(*MADE)
    assert finding.event == (
        "to_thread() has waited 123 ms for a thread of the default executor: "
        "17 waiting for 4 threads, 3 of them in shrink()"
    )


def test_the_evidence_says_how_full_the_pool_is_and_of_what() -> None:
    """The evidence has the wait, the threshold, both numbers and the threads' innermost application lines."""
    evidence = only(rule, waits(*CALL)).evidence
    assert [evidence[key] for key in ("waited", "threshold", "workers", "waiting")] == [0.1235, 0.1, 4, 17]
    assert evidence["busy"] == [{**at("shrink", 8).to_dict(), "count": 3}, {**at("resize", 9).to_dict(), "count": 1}]
    assert (evidence["call"], evidence["line_is"]) == ("to_thread", "called")
    assert "busy_for" not in evidence


def test_threads_at_one_line_are_one_row() -> None:
    """Threads that differ only below the application's line are counted together, and rows are bounded."""
    deeper = ((raw("wait", 5, LIBRARY), *BUSY[0]), 2)
    assert only(rule, waits(*CALL, busy=(BUSY, deeper))).evidence["busy"][0]["count"] == 5
    many = tuple(((raw("work", number),), 1) for number in range(1, 30))
    assert len(only(rule, waits(*CALL, busy=many)).evidence["busy"]) == rule.ROWS


def test_native_work_is_known_by_who_queued_it() -> None:
    """A thread without a frame of its own is in native code; the call that gave it that work is told beside it."""
    finding = only(rule, waits(*CALL, busy=(((), 4),), running=((CALL, 3),)))
    assert finding.evidence["busy"] == [{"function": "native code", "count": 4}]
    assert finding.evidence["busy_for"] == [{**at("thumbnail", 21).to_dict(), "count": 3}]
    assert finding.event.endswith("4 of them in native code")


def test_without_a_line_at_the_call_it_is_the_creation_site() -> None:
    """For `gather(to_thread(…))` the place and the stack are those of the task's creation."""
    for finding in (only(rule, waits()), only(rule, waits(raw("read", 9, LIBRARY)))):
        assert (finding.where, finding.level) == (at("main", 30), "warning")
        assert finding.stack == (at("main", 30),)
        assert finding.evidence["line_is"] == "created"


def test_a_librarys_own_work_is_info() -> None:
    """A call that only lines of libraries lead to is level info, at the call."""
    library = raw("read", 9, LIBRARY)
    for task in (None, a_task(), a_task(raw("feed", 3, LIBRARY))):
        finding = only(rule, waits(library, task=task))
        assert (finding.where, finding.level) == (at("read", 9, LIBRARY), "info")


def test_nobody_knows_who_queued_it() -> None:
    """Without a frame and without a task there is no place, and no warning."""
    finding = only(rule, waits(task=None))
    assert (finding.where, finding.level, finding.evidence["line_is"]) == (None, "info", "unknown")


def test_a_short_wait_is_silent() -> None:
    """Work that has waited less than the threshold is no finding; exactly the threshold is."""
    assert not judge(rule, waits(*CALL, waited=0.099))
    assert judge(rule, waits(*CALL, waited=0.1))


def test_one_place_has_one_fingerprint() -> None:
    """Two waits at one line are the same finding, whatever the threads did."""
    first, second = only(rule, waits(*CALL)), only(rule, waits(*CALL, busy=(OTHER,), waited=3.0, task=None))
    assert first.fingerprint == second.fingerprint
    assert first.fingerprint != only(rule, waits()).fingerprint
