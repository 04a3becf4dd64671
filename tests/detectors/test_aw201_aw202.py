"""AW201 task-dropped and AW202 task-orphaned: one event is at most one of the two."""

from __future__ import annotations

import itertools

import pytest
from by_hand import LIBRARY, LOOP, a_task, at, judge, only, raw

from asyncwatch.detectors import aw201_task_dropped as dropped
from asyncwatch.detectors import aw202_task_orphaned as orphaned
from asyncwatch.events import ParentFacts
from asyncwatch.task_events import TaskOutlived, TaskUnheld

SITE = (raw("order", 7), raw("main", 2))
WAITS = (raw("get", 160, LIBRARY), raw("worker", 20))
PARENT = ParentFacts("request-1", "shop.request")


def unheld(
    *created: tuple,
    discarded: bool = True,
    parent_done: bool | None = False,
    dying: bool = False,
    age: float = 0.52,
    waits: tuple = WAITS,
    dropper: tuple | None = None,
) -> TaskUnheld:
    return TaskUnheld(LOOP, a_task(*created, parent=PARENT), age, waits, discarded, parent_done, dying, dropper)


def test_who_dropped_it_is_not_who_created_it() -> None:
    """The sentence names the frame whose statement threw the task away; a library's is not the program's to change."""
    assert "since main() dropped it" in only(dropped, unheld(*SITE, dropper=SITE[1])).event
    library = raw("feed", 3, LIBRARY)
    finding = only(dropped, unheld(library, *SITE, dropper=library))
    assert (finding.where, finding.level) == (at("order", 7), "info")
    assert "since feed() dropped it" in finding.event


@pytest.mark.parametrize(
    ("discarded", "parent_done"), list(itertools.product([True, False], [True, False, None]))
)
def test_an_unheld_task_is_dropped_or_orphaned_and_never_both(discarded: bool, parent_done: bool | None) -> None:
    """A task nobody holds is an orphan only when its parent's end let go of it, else it was dropped."""
    event = unheld(*SITE, discarded=discarded, parent_done=parent_done)
    orphan = bool(parent_done) and not discarded
    assert [len(judge(dropped, event)), len(judge(orphaned, event))] == [int(not orphan), int(orphan)]


def test_dropped_at_its_creation_site() -> None:
    """The place is the creating line and the evidence tells the age and where the task waits."""
    finding = only(dropped, unheld(*SITE))
    assert (finding.where, finding.level) == (at("order", 7), "warning")
    assert finding.stack == (at("main", 2), at("order", 7))
    assert finding.event == (
        "task 'worker-3' (shop.orders.worker) is held by nothing since order() dropped it; it is 520 ms old"
    )
    assert finding.evidence["waits_at"][-1] == {"file": LIBRARY, "line": 160, "function": "get"}
    assert (finding.evidence["age"], finding.evidence["holders"]) == (0.52, 0)


def test_dropped_and_pending_at_shutdown() -> None:
    """A dropped task met by the shutdown says so instead of its age."""
    assert only(dropped, unheld(*SITE, dying=True)).event.endswith("it was pending when it died")


def test_a_library_that_drops_is_info() -> None:
    """A task dropped by a library's own line is no warning: the program's author cannot change it."""
    assert only(dropped, unheld(raw("feed", 3, LIBRARY))).level == "info"


def test_an_unseen_creation_has_no_line() -> None:
    """A task whose creation nobody saw is reported without a place and never as a warning."""
    finding = only(dropped, unheld())
    assert (finding.where, finding.level) == (None, "info")
    assert finding.event.startswith("task 'worker-3' (shop.orders.worker) is held by nothing")


def test_where_it_waits_may_be_unknown() -> None:
    """Without an await chain the evidence has no such key."""
    assert "waits_at" not in only(dropped, unheld(*SITE, waits=())).evidence


def test_orphaned_and_held_by_nobody() -> None:
    """An orphan nobody holds is a warning at its creation site and names its parent."""
    finding = only(orphaned, unheld(*SITE, discarded=False, parent_done=True))
    assert (finding.where, finding.level) == (at("order", 7), "warning")
    assert "though its parent task 'request-1' (shop.request) is done" in finding.event
    assert finding.evidence["held"] is False


def test_orphaned_but_held_by_data() -> None:
    """An orphan that application data holds is info."""
    finding = only(orphaned, TaskOutlived(LOOP, a_task(*SITE, parent=PARENT), 3.0, WAITS))
    assert (finding.level, finding.evidence["held"], finding.evidence["age"]) == ("info", True, 3.0)
    assert finding.where == at("order", 7)


def test_orphan_of_a_library_is_info() -> None:
    """An orphan that a library's line created is info."""
    event = unheld(raw("feed", 3, LIBRARY), discarded=False, parent_done=True)
    assert only(orphaned, event).level == "info"


def test_an_unknown_parent_is_not_named() -> None:
    """Where the parent is not known the sentence names none."""
    event = TaskOutlived(LOOP, a_task(*SITE), 1.0, ())
    assert "though its parent task is done" in only(orphaned, event).event


def test_the_application_line_above_a_helper_in_a_library_is_the_place() -> None:
    """When a library's helper creates the task, the place is the application's call of it."""
    finding = only(dropped, unheld(raw("ensure_future", 3, LIBRARY), *SITE))
    assert finding.where == at("order", 7)
    assert finding.level == "warning"
