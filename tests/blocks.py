"""The programs of tests/victims/blocks and the judgement of what was said about them.

One place for the tests and for the table that scripts/blocks makes; it needs nothing but the standard library.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rows

FOLDER = Path(__file__).parent / "victims" / "blocks"
COLUMNS = [(loop, profile) for loop in ("asyncio", "uvloop") for profile in ("light", "debug")]

# A reported duration may be off by this much, or by this part of the length.
TOLERANCE, SHARE = 0.02, 0.1
HOLDER = 0.3
# What the watcher itself may be late before a run is no proof of anything.
LATE = 0.05
# A block that came out shorter or longer than this was not the block that was meant.
SHORTEST, LONGEST = 0.16, 1.2
# With this part of its time spent without a CPU, a block may be blamed on the machine.
STARVED = 0.4
# Whoever said less than this part of it spoke of something else.
HALF = 0.5

_MARK = re.compile(r"# AW101 (code|gil|gc|starved)$")
Finding = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Row(rows.Program):
    """One kind of block: a program, its guilty line and why that line holds the loop."""

    line: int
    cause: str

    @property
    def blames(self) -> bool:
        """Whether the line is to be named, and a warning given: nobody's code is to blame for the rest."""
        return self.cause in ("code", "gil")


def read_row(path: Path) -> Row:
    text = path.read_text()
    marks = [(number, mark[1]) for number, line in enumerate(text.splitlines(), 1) if (mark := _MARK.search(line))]
    if len(marks) != 1:
        raise ValueError(f"{path.name} has {len(marks)} marked lines, not one")
    return Row(*rows.header(path), *marks[0])


def all_rows() -> list[Row]:
    return [read_row(path) for path in sorted(FOLDER.glob("[!_]*.py"))]


@dataclasses.dataclass(frozen=True)
class Measure:
    """What the program itself says at its end: the seconds its line took, those of them that the line was ready to
    run and had no CPU, or why it could not block here."""

    held: float = 0.0
    waited: float = 0.0
    cannot: str = ""

    @property
    def starved(self) -> bool:
        """Whether a busy machine is a true answer to the question of the cause, too."""
        return self.waited >= STARVED * self.held


def read_measure(out: str) -> Measure | None:
    """None when the program did not get to its end."""
    lines = out.splitlines()
    try:
        said = json.loads(lines[-1])
        return Measure(said.get("held", 0.0), said.get("waited", 0.0), said.get("cannot", ""))
    except (IndexError, ValueError, AttributeError):
        return None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one run is worth: None where there is nothing to judge."""

    held: float
    found: bool | None
    right_line: bool | None = None
    error: float | None = None
    exact: bool | None = None
    cause: str | None = None
    right_cause: bool | None = None
    alarms: tuple[str, ...] = ()
    disturbed: bool = False

    @property
    def right(self) -> bool:
        return not self.alarms and False not in (self.found, self.right_line, self.exact, self.right_cause)

    def complaint(self) -> str:
        """What is wrong, in words; empty when all is right."""
        if self.found is False:
            return "; ".join(["missed", *self.alarms])
        wrong = list(self.alarms)
        if self.right_line is False:
            wrong.append("wrong line")
        if self.exact is False and self.error is not None:
            wrong.append(f"duration is off by {1000 * self.error:+.0f} of {1000 * self.held:.0f} ms")
        if self.right_cause is False:
            wrong.append(f"the cause is said to be {self.cause}")
        return "; ".join(wrong)


def judge(row: Row, lines: Sequence[Finding], measure: Measure) -> Verdict:
    """Compare asyncwatch's own lines with what the program measured."""
    held = measure.held
    findings = [line for line in lines if line["code"] not in ("AW000", "AW099")]
    about = [f for f in findings if f["code"] == "AW101" and f["evidence"]["duration"] >= HALF * held]
    # The one that should be there, else the longest.
    best = max(about, key=lambda f: (is_at(f, row) and row.blames, f["evidence"]["duration"]), default=None)
    alarms = tuple(
        f"false alarm: {f['code']} {f['event']}"
        for f in findings
        if f["level"] != "info" and not (row.blames and f["code"] == "AW101" and (f is best or is_at(f, row)))
    )
    disturbed = was_disturbed(lines, measure)
    if best is None:
        return Verdict(held, False, alarms=alarms, disturbed=disturbed)
    evidence = best["evidence"]
    error, tolerance = evidence["duration"] - held, max(TOLERANCE, SHARE * held, evidence.get("uncertainty", 0.0))
    if "holder" in evidence:  # the loop's length, and it may not have wanted the GIL all the while
        tolerance = max(tolerance, HOLDER * held)
    return Verdict(
        held,
        True,
        is_at(best, row) if row.blames else None,
        error,
        abs(error) <= tolerance if row.blames else None,
        evidence.get("cause"),
        is_right_cause(row, best, measure),
        alarms,
        disturbed,
    )


def is_right_cause(row: Row, finding: Finding, measure: Measure) -> bool:
    """Whether the cause is right, and the level with it: only somebody's code is a warning."""
    cause, told = finding["evidence"].get("cause"), finding["level"] != "info"
    return (cause == row.cause and told == row.blames) or (cause == "starved" and measure.starved and not told)


def is_at(finding: Finding, row: Row) -> bool:
    where = finding.get("where") or {}
    return where.get("line") == row.line and Path(where.get("file", "")).name == row.path.name


def was_disturbed(lines: Sequence[Finding], measure: Measure) -> bool:
    """Whether the machine may have made the result: it kept the watcher from looking, or the program waiting."""
    if not lines or lines[-1]["code"] != "AW099" or not SHORTEST <= measure.held <= LONGEST:
        return True
    evidence = lines[-1]["evidence"]
    late = evidence.get("watcher_late", 0.0) > LATE or "unexplained_pauses" in evidence
    return late or measure.waited > SHARE * measure.held


def judge_debug_mode(row: Row, err: str, held: float) -> Verdict:
    """The standard debug mode says `Executing <…> took 0.301 seconds`, with a place somewhere in the repr."""
    slow = [(float(took), text) for text, took in re.findall(r"^Executing (.*) took ([\d.]+) seconds$", err, re.M)]
    return judge_reports(row, [{"duration": took, "text": text} for took, text in slow], held)


def judge_reports(row: Row, reports: Sequence[dict[str, Any]], held: float) -> Verdict:
    """Texts of another tool, judged kindly: the line counts as named wherever the text has it.

    What it says where no code is to blame is a false alarm, and silence there is right.
    """
    about = [report for report in reports if report["duration"] is None or report["duration"] >= HALF * held]
    if not row.blames:
        alarms = ("blamed the code",) if about else ()
        return Verdict(held, None, alarms=alarms)
    if not about:
        return Verdict(held, False)
    named = re.compile(rf"{re.escape(row.path.name)}\D{{1,12}}{row.line}\b")
    best = max(about, key=lambda report: (bool(named.search(report["text"])), report["duration"] or 0.0))
    error = None if best["duration"] is None else best["duration"] - held
    exact = None if error is None else abs(error) <= max(TOLERANCE, SHARE * held)
    return Verdict(held, True, bool(named.search(best["text"])), error, exact)
