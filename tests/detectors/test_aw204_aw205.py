"""AW204 task-exception-unretrieved and AW205 task-left-running."""

from __future__ import annotations

from by_hand import LIBRARY, LOOP, a_task, at, judge, only, raw

from asyncwatch.detectors import aw204_task_exception_unretrieved as failed
from asyncwatch.detectors import aw205_task_left_running as left
from asyncwatch.task_events import TaskFailed, TaskLeft

SITE = (raw("order", 7), raw("main", 2))
TRACE = (raw("save", 30), raw("connect", 9, LIBRARY))


def test_the_place_is_where_the_task_was_created() -> None:
    """A failed task is reported at its creation site, as an error, with the raising line as evidence."""
    finding = only(failed, TaskFailed(LOOP, a_task(*SITE), "ValueError: no", TRACE))
    assert (finding.where, finding.level) == (at("order", 7), "error")
    assert finding.evidence == {
        "exception": "ValueError: no",
        "raised_at": {"file": at("save", 30).file, "line": 30, "function": "save"},
    }
    assert finding.stack == (at("save", 30), at("connect", 9, LIBRARY))
    assert finding.event == "task 'worker-3' (shop.orders.worker) failed and nobody asked: ValueError: no"


def test_without_a_creation_site_the_raising_line_is_the_place() -> None:
    """A task whose creation nobody saw is reported at the application line that raised."""
    assert only(failed, TaskFailed(LOOP, a_task(), "ValueError: no", TRACE)).where == at("save", 30)


def test_a_failure_without_any_frame_is_still_said() -> None:
    """Neither creation site nor traceback: the finding stands without a place."""
    finding = only(failed, TaskFailed(LOOP, a_task(), "ValueError", ()))
    assert finding.where is None
    assert "raised_at" not in finding.evidence
    assert finding.fingerprint == "AW204:shop.orders.worker"


def test_cancelled_by_the_shutdown_is_info() -> None:
    """A task that the loop's shutdown cancelled is info, for it could clean up."""
    finding = only(left, TaskLeft(LOOP, a_task(*SITE), TRACE, how="cancelled", reported=False))
    assert (finding.where, finding.level) == (at("order", 7), "info")
    assert finding.event.endswith("was still pending when its loop's shutdown cancelled it")
    assert finding.evidence["loop_closed"] is False
    assert finding.evidence["waits_at"][0]["line"] == 9


def test_closed_over_is_a_warning() -> None:
    """A task over which the loop was closed is a warning: it never runs again."""
    finding = only(left, TaskLeft(LOOP, a_task(*SITE), (), how="closed", reported=False))
    assert (finding.level, finding.evidence) == ("warning", {"loop_closed": True})
    assert finding.event.endswith("when its loop was closed over it")


def test_a_loop_left_open_is_a_warning() -> None:
    """A task of a loop that stopped early and was never closed is a warning: it never runs again either."""
    finding = only(left, TaskLeft(LOOP, a_task(*SITE), (), how="open", reported=False))
    assert (finding.level, finding.evidence) == ("warning", {"loop_closed": False})
    assert finding.event.endswith("when the program ended, which never closed its loop")


def test_closed_over_a_librarys_task_is_info() -> None:
    """A library's own task left behind is nothing the program's author can change."""
    event = TaskLeft(LOOP, a_task(raw("feed", 3, LIBRARY)), (), how="closed", reported=False)
    assert only(left, event).level == "info"


def test_what_was_reported_is_not_repeated() -> None:
    """A task already reported as dropped or orphaned is not reported again at the end."""
    assert not judge(left, TaskLeft(LOOP, a_task(*SITE), (), how="closed", reported=True))
