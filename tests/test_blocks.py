"""Every kind of block, on every loop in every profile: found, at the right line, as long as it was, with its cause."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import turns
from blocks import COLUMNS, Measure, Row, Verdict, all_rows, judge, read_measure, read_row
from conftest import Run, is_busy, run_watched

ROWS = all_rows()
HERE = [(loop, profile) for loop, profile in COLUMNS if importlib.util.find_spec(loop)]
MATRIX = [(row, loop, profile) for row in ROWS for loop, profile in HERE]
KINDS = {"code", "gil", "gc", "starved"}


def cannot(row: Row) -> str:
    modules = [need.partition(": ")[2] for need in row.needs if importlib.util.find_spec(need.partition(": ")[2] or "?")]
    return row.why_not(sys.version_info[:2], modules)


def watch(row: Row, loop: str, profile: str, folder: Path) -> Run:
    return run_watched(row.path, loop, folder=folder, profile=profile)


def look(row: Row, run: Run) -> Verdict:
    measure = read_measure(run.out)
    assert run.status == 0, run.err
    assert measure is not None, run.err
    if measure.cannot:
        pytest.skip(measure.cannot)
    return judge(row, run.lines, measure)


@pytest.mark.parametrize(("row", "loop", "profile"), MATRIX, ids=[f"{r.name}-{lo}-{pr}" for r, lo, pr in MATRIX])
def test_the_block_is_told_as_it_was(row: Row, loop: str, profile: str, tmp_path: Path) -> None:
    """The guilty line, its duration and its cause are reported, and nothing else is; a gc pause or a lack of CPU
    blames nobody."""
    if cannot(row):
        pytest.skip(cannot(row))
    verdict = look(row, watch(row, loop, profile, tmp_path))
    for attempt in range(5):
        if verdict.right or not (verdict.disturbed or is_busy()):
            break
        folder = tmp_path / str(attempt)
        folder.mkdir()
        with turns.alone():
            verdict = look(row, watch(row, loop, profile, folder))
    assert verdict.right, f"{verdict.complaint()} ({verdict})"


def test_there_are_many_kinds_of_block() -> None:
    """At least thirty programs, every cause among them, each with one marked line and the healthy way beside it."""
    assert len(ROWS) >= 30
    assert {row.cause for row in ROWS} == KINDS
    assert all("async def healthy" in row.path.read_text() for row in ROWS)


def finding(line: int, duration: float, cause: str, **more: Any) -> dict[str, Any]:
    where = {"file": "/app/sleep.py", "line": line, "function": "guilty"}
    level = "warning" if cause in ("code", "gil") else "info"
    told = {"duration": duration, "cause": cause, **more}
    return {"code": "AW101", "level": level, "event": "held", "where": where, "evidence": told}


SUMMARY = {"code": "AW099", "level": "info", "evidence": {}}
SLEEP = next(row for row in ROWS if row.name == "sleep")
STOPPED = next(row for row in ROWS if row.name == "stopped")


@pytest.mark.parametrize(
    ("row", "said", "complaint"),
    [
        (SLEEP, [finding(SLEEP.line, 0.31, "code")], ""),
        (SLEEP, [], "missed"),
        (SLEEP, [finding(SLEEP.line, 0.11, "code")], "missed"),
        (SLEEP, [finding(SLEEP.line + 1, 0.3, "code")], "wrong line"),
        (SLEEP, [finding(SLEEP.line, 0.4, "code")], "duration is off by +100 of 300 ms"),
        (SLEEP, [finding(SLEEP.line, 0.4, "code", uncertainty=0.12)], ""),
        (SLEEP, [finding(SLEEP.line, 0.3, "gil")], "the cause is said to be gil"),
        (SLEEP, [finding(SLEEP.line, 0.3, "starved")], "the cause is said to be starved"),
        (SLEEP, [finding(SLEEP.line, 0.3, "code"), finding(3, 0.2, "code")], "false alarm: AW101 held"),
        (STOPPED, [finding(STOPPED.line, 0.3, "starved")], ""),
        (STOPPED, [finding(STOPPED.line, 0.3, "gc")], "the cause is said to be gc"),
        (STOPPED, [finding(STOPPED.line, 0.3, "code")], "false alarm: AW101 held; the cause is said to be code"),
    ],
)
def test_the_judgement_is_just(row: Row, said: list[dict[str, Any]], complaint: str) -> None:
    """A missing, misplaced, mismeasured or misjudged block is wrong, and what is right is not complained of."""
    verdict = judge(row, [*said, SUMMARY], Measure(held=0.3))
    assert (verdict.complaint(), verdict.right) == (complaint, not complaint)


def test_a_busy_machine_is_a_cause_too() -> None:
    """Where the program itself counted that it had no CPU, the finding may say so, and only there."""
    said = [finding(SLEEP.line, 0.3, "starved"), SUMMARY]
    assert judge(SLEEP, said, Measure(held=0.3, waited=0.2)).right
    assert not judge(SLEEP, said, Measure(held=0.3, waited=0.05)).right


def test_a_row_needs_one_mark(tmp_path: Path) -> None:
    """A program without a marked line, or with two, is refused."""
    path = tmp_path / "row.py"
    path.write_text('"""Two."""\nx  # AW101 code\ny  # AW101 gil\n')
    with pytest.raises(ValueError, match="2 marked lines"):
        read_row(path)
