"""Small real programs, each run on every loop in every profile: what is said must be what is marked in them.

A finding on a line without a mark is a false alarm, a mark without a finding is a missed alarm. A slow callback
whose cause is that the machine gave the program no CPU is neither: it says so itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import turns
from conftest import ALL_VICTIMS, LOOPS, ROOT, Run, Runs, Victim, is_busy, run_python, run_watched

PROFILES = ["light", "debug"]

MATRIX = [(victim, loop, profile) for victim in ALL_VICTIMS for loop in LOOPS for profile in PROFILES]
each_run = pytest.mark.parametrize(
    ("victim", "loop", "profile"),
    MATRIX,
    ids=[f"{v.name}-{loop}-{profile}" for v, loop, profile in MATRIX],
    scope="module",  # all tests of one run in a row: they are tested by one process then, which has it at once
)

# What asyncio and the interpreter say of their own accord, and the rule that takes it over.
STANDARD = {
    "AW101": "Executing <",
    "AW204": "exception was never retrieved",
    "AW301": "was never awaited",
    "AW402": "unclosed transport",
    "AW403": "Exception in callback",
}
KEYS = ["timestamp", "level", "code", "rule", "event", "where", "stack", "task", "evidence", "fingerprint", "count"]
KEYS += ["pid", "thread", "loop"]
REQUIRED = {"timestamp", "level", "code", "rule", "event", "evidence", "fingerprint", "count", "pid"}


@pytest.fixture
def run(runs: Runs, victim: Victim, loop: str, profile: str) -> Run:
    if victim.why_not():
        pytest.skip(victim.why_not())
    return runs.get(
        victim.name,
        loop,
        profile,
        make=lambda: watched(victim, loop, profile, runs.folder),
    )


def watched(victim: Victim, loop: str, profile: str, folder: Path) -> Run:
    return run_watched(victim.path, loop, folder=folder, profile=profile, options=victim.options)


def place(finding: dict[str, Any]) -> tuple[str, int | None]:
    where = finding.get("where")
    return finding["code"], where["line"] if where else None


def is_noise(finding: dict[str, Any]) -> bool:
    """Whether it is about the machine, wherever the program happened to be."""
    return finding["evidence"].get("cause") in ("starved", "gc")


def compare(run: Run, victim: Victim, profile: str) -> str:
    """The two lists; empty when what is said is what is marked."""
    must, may = victim.marks(profile)
    said = {place(finding): finding for finding in run.findings}
    noise = {key for key, finding in said.items() if is_noise(finding)}
    missed, false = sorted(must - said.keys()), sorted(said.keys() - must - may - noise, key=str)
    if not missed and not false:
        return ""
    return f"missed alarm: {missed}; false alarm: {false} {[said[key]['event'] for key in false]}"


# The victims' own stalls are longer, what they do besides is much shorter.
SHORTEST_STALL = 0.25


def was_disturbed(run: Run, difference: str) -> bool:
    """Whether the machine may have made the difference: it kept the watcher from looking, or the program waiting."""
    evidence = run.lines[-1]["evidence"]
    if evidence.get("watcher_late", 0) > 0.05 or "unexplained_pauses" in evidence or is_busy():
        return True
    stalls = [finding["evidence"]["duration"] for finding in run.findings if finding["code"] == "AW101"]
    return "missed alarm: []" in difference and any(duration < SHORTEST_STALL for duration in stalls)


@each_run
def test_what_is_said_is_what_is_marked(run: Run, victim: Victim, loop: str, profile: str, tmp_path: Path) -> None:
    """Every marked line is reported under its code and no other line is reported at all.

    A run that the machine disturbed is no proof of anything, so it is repeated with nothing of ours beside it; what is
    wrong stays wrong.
    """
    difference = compare(run, victim, profile)
    for attempt in range(3):
        if not difference or not was_disturbed(run, difference):
            break
        folder = tmp_path / str(attempt)
        folder.mkdir()
        with turns.alone():
            run = watched(victim, loop, profile, folder)
        difference = compare(run, victim, profile)
    assert not difference, difference
    placed = [finding for finding in run.findings if "where" in finding and not is_noise(finding)]
    assert {finding["where"]["file"] for finding in placed} <= {str(victim.path)}


@each_run
def test_the_program_does_not_notice(run: Run, runs: Runs, victim: Victim, loop: str) -> None:
    """Exit status and standard output are those of a run without us."""
    bare = runs.get(victim.name, loop, make=lambda: run_python(str(victim.path), loop, cwd=runs.folder))
    assert (run.status, run.out) == (bare.status, bare.out), run.err


@each_run
def test_the_same_fact_is_said_once(run: Run, victim: Victim, loop: str, profile: str, tmp_path: Path) -> None:
    """What a finding says is not said again on stderr by asyncio or the interpreter."""
    repeated = said_twice(run)
    if repeated and is_busy():  # asyncio's measure of a callback and ours lie apart where the machine stretches both
        with turns.alone():
            run = watched(victim, loop, profile, tmp_path)
        repeated = said_twice(run)
    assert not repeated, run.err


def said_twice(run: Run) -> list[str]:
    told = {finding["code"] for finding in run.findings if "where" in finding}
    if "Executing <Handle sleep" in run.err:  # of a built-in as callback asyncio knows more than we: who scheduled it
        told.discard("AW101")
        assert not [one for one in run.findings if "where" not in one]
    return [text for code, text in STANDARD.items() if code in told and text in run.err]


@each_run
def test_the_lines_keep_the_contract(run: Run, victim: Victim, profile: str) -> None:
    """Each JSON line has the contract's keys in the contract's order; the first is AW000 and the last AW099."""
    assert [run.lines[0]["code"], run.lines[-1]["code"]] == ["AW000", "AW099"]
    assert len({line["pid"] for line in run.lines}) == 1
    for line in run.lines:
        assert line.keys() >= REQUIRED
        assert list(line) == [key for key in KEYS if key in line]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
        assert line["level"] in ("info", "warning", "error")
        assert line["fingerprint"].startswith(line["code"])
        for frame in [line.get("where"), *line.get("stack", ())]:
            assert frame is None or set(frame) == {"file", "line", "function"}
    assert run.lines[0]["evidence"]["profile"] == profile


@each_run
def test_a_quiet_watcher_says_nothing_on_stderr(run: Run, victim: Victim) -> None:
    """With the findings in a file, no line of ours and no fault of ours shows on the program's stderr."""
    # The directory that this project is in may be called so; what is ours is below it.
    assert "asyncwatch" not in run.err.replace(str(ROOT), "")
    assert "AW001" not in {line["code"] for line in run.lines}


@each_run
def test_the_summary_counts_what_was_said(run: Run, victim: Victim) -> None:
    """The summary's counts are those of the lines, nothing was lost, and a healthy program dropped no task at all."""
    evidence = run.lines[-1]["evidence"]
    assert evidence["findings"].keys() == {finding["code"] for finding in run.findings}
    assert evidence["dropped_events"] == 0
    if victim.name.startswith("healthy"):
        assert "tasks_dropped_that_ended_soon" not in evidence


def test_each_guilty_victim_has_healthy_code_beside_it() -> None:
    """A file of marked lines has functions without a mark too, and there are programs without any mark."""
    guilty = [victim for victim in ALL_VICTIMS if victim.marks("light")[0] | victim.marks("debug")[0]]
    assert len(guilty) < len(ALL_VICTIMS)
    for victim in guilty:
        marked = len(victim.marks("light")[0])
        assert len(re.findall(r"^\s*(?:async )?def ", victim.text, re.M)) > marked / 2, victim.name
