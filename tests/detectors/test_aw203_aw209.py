"""AW203 task-destroyed-pending, AW206 task-stuck, AW207 task-deadlocked, AW208 task-pileup, AW209 cancellation-ignored."""

from __future__ import annotations

import pytest
from by_hand import LIBRARY, LOOP, a_task, at, judge, only, raw

from asyncwatch.detectors import aw203_task_destroyed_pending as destroyed
from asyncwatch.detectors import aw206_task_stuck as stuck
from asyncwatch.detectors import aw207_task_deadlocked as deadlocked
from asyncwatch.detectors import aw208_task_pileup as pileup
from asyncwatch.detectors import aw209_cancellation_ignored as ignored
from asyncwatch.events import TaskFacts
from asyncwatch.frames import RawFrame
from asyncwatch.task_events import CancelIgnored, Standing, TaskDeadlocked, TaskDestroyed, TasksPileUp, TaskStuck

SITE = (raw("order", 7), raw("main", 2))
IN_APP = (raw("reply", 41), raw("handle", 12))
IN_LIBRARY = (raw("get", 158, LIBRARY), raw("consume", 20))


def standing(kind: str, frames: tuple[RawFrame, ...] = IN_APP, name: str = "worker-3") -> Standing:
    return Standing(TaskFacts(name, f"shop.{name}", SITE), kind, frames)


def waited(kind: str, frames: tuple[RawFrame, ...] = IN_APP, owner: Standing | None = None) -> TaskStuck:
    return TaskStuck(LOOP, standing(kind, frames), 31.5, (), owner)


def test_a_destroyed_task_is_an_error_at_its_creation_site() -> None:
    """It names where the task was created, where it stood when it died, and whether it was dropped there."""
    finding = only(destroyed, TaskDestroyed(LOOP, a_task(*SITE), IN_APP, discarded=True))
    assert (finding.where, finding.level) == (at("order", 7), "error")
    assert finding.event.endswith("was destroyed by the collector before it finished, in reply() line 41")
    assert finding.evidence["dropped_at_creation"] is True
    assert [frame["line"] for frame in finding.evidence["waits_at"]] == [12, 41]


@pytest.mark.parametrize("kind", ["lock", "semaphore", "executor", "barrier", "future"])
def test_waits_that_should_end_are_warnings(kind: str) -> None:
    """The program's own wait for one of these is a warning, at the await."""
    finding = only(stuck, waited(kind))
    assert (finding.where, finding.level) == (at("reply", 41), "warning")
    assert finding.stack == (at("handle", 12), at("reply", 41))
    assert finding.evidence["waits_for"] == kind


@pytest.mark.parametrize("kind", ["queue", "event", "condition", "socket", "process", "join"])
def test_waits_that_may_be_idle_by_design_are_info(kind: str) -> None:
    """A worker at its queue, a listener at its event or socket: nothing anybody has to change."""
    assert only(stuck, waited(kind, IN_LIBRARY)).level == "info"


def test_a_future_that_a_library_awaits_is_info() -> None:
    """It may be the next message; a lock in a library is a warning at the application's line all the same."""
    assert only(stuck, waited("future", IN_LIBRARY)).level == "info"
    finding = only(stuck, waited("lock", IN_LIBRARY))
    assert (finding.where, finding.level) == (at("consume", 20), "warning")


def test_a_wait_in_nothing_but_libraries_is_info() -> None:
    """Where no frame is the application's there is no line for its author to change."""
    assert only(stuck, waited("lock", (raw("get", 158, LIBRARY),))).level == "info"


def test_who_holds_it_and_who_waits_for_it_is_told() -> None:
    """The owner of a lock and the tasks further out are in the evidence."""
    event = TaskStuck(
        LOOP, standing("lock"), 31.5, (standing("tasks", IN_APP, "main"),), standing("sleep", IN_APP, "owner")
    )
    finding = only(stuck, event)
    assert finding.event.endswith("has waited 31.5 s for a lock that task 'owner' (shop.owner) holds")
    assert finding.evidence["owner"]["at"]["line"] == 41
    assert [one["task"] for one in finding.evidence["awaited_by"]] == ["main"]


def test_a_cycle_names_all_its_members() -> None:
    """One finding for a cycle, an error at its first member's await, with every member's place."""
    members = (standing("lock", IN_APP, "one"), standing("tasks", IN_APP, "two"), standing("lock", IN_APP, "three"))
    finding = only(deadlocked, TaskDeadlocked(LOOP, members[0], 31.0, True, members, 3))
    assert (finding.where, finding.level) == (at("reply", 41), "error")
    assert finding.event == "task 'one' (shop.one) waits for 'two', 'three', which in the end waits for it; since 31.0 s"
    assert finding.evidence["proof"] == "cycle"
    assert [one["waits_for"] for one in finding.evidence["cycle"]] == ["lock", "tasks", "lock"]


def test_a_task_that_waits_for_itself() -> None:
    """A cycle of one: a lock taken twice."""
    one = standing("lock", IN_APP, "one")
    text = only(deadlocked, TaskDeadlocked(LOOP, one, 31.0, True, (one,), 1)).event
    assert text == "task 'one' (shop.one) waits for what it holds itself; since 31.0 s"


def test_what_nothing_can_reach_has_its_proof() -> None:
    """The evidence says how much was looked at and who else waits at the same thing."""
    members = (standing("queue", IN_LIBRARY, "one"), standing("queue", IN_LIBRARY, "two"))
    finding = only(deadlocked, TaskDeadlocked(LOOP, members[0], 31.0, False, members, 57))
    assert (finding.where, finding.level) == (at("consume", 20), "error")
    assert finding.evidence["objects_looked_at"] == 57
    assert [one["task"] for one in finding.evidence["waiting_alike"]] == ["two"]
    assert "waits for a queue that nothing else alive can reach" in finding.event


def test_a_pileup_has_its_growth_and_ages() -> None:
    """How many, since when, and how old they are; a library's own site is info."""
    event = TasksPileUp(LOOP, a_task(*SITE), 1530, 1020, 2.5, 1000, (0.0, 4.25, 61.0))
    finding = only(pileup, event)
    assert (finding.where, finding.level) == (at("order", 7), "warning")
    assert finding.event == (
        "1530 tasks (shop.orders.worker) live that were created here, 510 more than 2.5 s ago; the oldest is 61.0 s old"
    )
    assert finding.evidence["ages"] == {"youngest": 0.0, "median": 4.25, "oldest": 61.0}
    theirs = TasksPileUp(LOOP, a_task(raw("feed", 3, LIBRARY)), 1530, 1020, 2.5, 1000, (0.0, 4.25, 61.0))
    assert only(pileup, theirs).level == "info"


def test_who_cancelled_is_told_or_said_to_be_unknown() -> None:
    """Where the one who asked can be seen it is in the sentence; else the evidence says that it cannot."""
    by = only(ignored, CancelIgnored(LOOP, standing("sleep"), 1.2, 1, "its timeout", ()))
    assert by.event == "task 'worker-3' (shop.worker-3) was cancelled by its timeout 1.2 s ago and goes on: it waits for a timer"
    assert (by.where, by.level, by.evidence["cancelled_by"]) == (at("reply", 41), "warning", "its timeout")
    unknown = only(ignored, CancelIgnored(LOOP, standing("event"), 1.2, 2, "", (standing("tasks", IN_APP, "main"),)))
    assert unknown.evidence["cancelled_by"].startswith("not known")
    assert [one["task"] for one in unknown.evidence["awaited_by"]] == ["main"]
    assert "cancelled_at" not in unknown.evidence


def test_where_cancel_was_called() -> None:
    """The program's own line that called is in the evidence, beneath it a library's frames or none; no other is."""
    for frames in (IN_APP, IN_LIBRARY):
        one = only(ignored, CancelIgnored(LOOP, standing("sleep"), 1.2, 1, "task 'main'", (), frames))
        function, line = ("reply", 41) if frames is IN_APP else ("consume", 20)
        assert one.evidence["cancelled_at"] == at(function, line).to_dict()
    theirs = only(ignored, CancelIgnored(LOOP, standing("sleep"), 1.2, 1, "", (), IN_LIBRARY[:1]))
    assert "cancelled_at" not in theirs.evidence


def test_each_hears_its_own_event_only() -> None:
    """No rule of these says anything of another's event."""
    for rule, event in [(stuck, waited("lock")), (ignored, CancelIgnored(LOOP, standing("sleep"), 1.2, 1, "", ()))]:
        assert rule.Detector.listens is type(event)
        assert len(judge(rule, event)) == 1
