"""The programs of tests/victims/tasks and the judgement of what was said about them.

One place for the tests and for the table that scripts/taskrules makes; it needs nothing but the standard library.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rows

FOLDER = Path(__file__).parent / "victims" / "tasks"
COLUMNS = [(loop, profile) for loop in ("asyncio", "uvloop") for profile in ("light", "debug")]

# Conditions that need time are judged by these limits; the programs are made for them, see _task.py there.
OPTIONS = ["--stuck-after", "1", "--cancel-grace", "0.5", "--pileup", "100"]
# What the watcher itself may be late before a run is no proof of anything.
LATE = 0.05

_MARKS = re.compile(r"#\s((?:\s*AW\d{3}\??)+)$")
_MARK = re.compile(r"(AW\d{3})(\??)")
Finding = dict[str, Any]
Place = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Row(rows.Program):
    """One condition at one line of a program, or a healthy program: `code` is empty then.

    `also` are the lines that are as right, and what may be said of what follows from the condition.
    """

    code: str
    line: int
    also: frozenset[Place]

    @property
    def right(self) -> frozenset[Place]:
        """Where the condition may be said to be."""
        return frozenset({(self.code, self.line), *(place for place in self.also if place[0] == self.code)})


def read_row(path: Path) -> Row:
    text = path.read_text()
    must, also = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        marks = _MARKS.search(line)
        for code, optional in _MARK.findall(marks[1]) if marks else ():
            if optional:
                also.add((code, number))
            else:
                must.append((code, number))
    if len(must) > 1 or (also and not must) or bool(must) == path.stem.startswith("healthy_"):
        raise ValueError(f"{path.name} has {len(must)} marked lines; a healthy program has none, another has one")
    code, line = must[0] if must else ("", 0)
    return Row(*rows.header(path), code, line, frozenset(also))


def all_rows() -> list[Row]:
    """The conditions in the order of their codes, then the healthy programs."""
    found = [read_row(path) for path in sorted(FOLDER.glob("[!_]*.py"))]
    return sorted(found, key=lambda row: (row.code or "healthy", row.name))


def came_to_its_end(status: int, out: str) -> bool:
    return status == 0 and "ended" in out.splitlines()


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one run is worth. `found` and `named` are None where there is nothing to find."""

    found: bool | None
    named: bool | None = None
    instead: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    disturbed: bool = False

    @property
    def right(self) -> bool:
        return not self.alarms and False not in (self.found, self.named)

    def complaint(self) -> str:
        """What is wrong, in words; empty when all is right."""
        wrong = [f"false alarm: {alarm}" for alarm in self.alarms]
        if self.found is False:
            wrong.insert(0, f"missed, said {', '.join(self.instead)} of it" if self.instead else "missed")
        elif self.named is False:
            wrong.insert(0, "wrong line")
        return "; ".join(wrong)


def judge(row: Row, lines: Sequence[Finding]) -> Verdict:
    """Compare asyncwatch's own lines with the program's mark. Level info blames nobody: it may find, and is no alarm."""
    findings = [line for line in lines if line["code"] not in ("AW000", "AW099")]
    findings = [finding for finding in findings if finding["evidence"].get("cause") not in ("starved", "gc")]
    about = [finding for finding in findings if finding["code"] == row.code]
    named = any(place(finding, row) in row.right for finding in about)
    at_the_line = {line for _, line in row.right}
    # AW205 says that it was pending at the end, which is no word for what was wrong with it before.
    others = [finding for finding in findings if not about and finding["code"] not in (row.code, "AW205")]
    instead = {finding["code"] for finding in others if place(finding, row)[1] in at_the_line}
    alarms = tuple(
        f"{finding['code']} at line {place(finding, row)[1]}: {finding['event']}"
        for finding in findings
        if finding["level"] != "info"
        and place(finding, row) not in row.right | row.also
        and not (finding in about and not named)  # its place is the one thing that is wrong with it
        and not (finding["code"] in instead and place(finding, row)[1] in at_the_line)
    )
    if not row.code:
        return Verdict(None, alarms=alarms, disturbed=was_disturbed(lines))
    found = bool(about)
    return Verdict(found, named if found else None, tuple(sorted(instead)), alarms, was_disturbed(lines))


def place(finding: Finding, row: Row) -> Place:
    """The code and the line of the program; line 0 where it is not one of the program's."""
    where = finding.get("where") or {}
    return finding["code"], where["line"] if Path(where.get("file", "")).name == row.path.name else 0


def was_disturbed(lines: Sequence[Finding]) -> bool:
    """Whether the machine may have made the result: it kept the watcher from looking."""
    if not lines or lines[-1]["code"] != "AW099":
        return True
    evidence = lines[-1]["evidence"]
    return evidence.get("watcher_late", 0.0) > LATE or "unexplained_pauses" in evidence


def standard_reports(err: str) -> list[str]:
    """What Python's own debug mode said, as one text. Slow callbacks are another table's subject: scripts/blocks."""
    lines = [line for line in err.splitlines() if line.strip() and not line.startswith("Executing <")]
    return ["\n".join(lines)] if lines else []


def judge_reports(row: Row, reports: Sequence[str]) -> Verdict:
    """Texts of another tool, judged kindly: whatever is said of a guilty program counts as found, and the line counts
    as named wherever a text has it. What is said of a healthy one is a false alarm."""
    if not row.code:
        return Verdict(None, alarms=tuple(report.splitlines()[0] for report in reports))
    lines = "|".join(str(line) for _, line in sorted(row.right))
    named = re.compile(rf"{re.escape(row.path.name)}\D{{1,12}}(?:{lines})\b")
    return Verdict(bool(reports), any(named.search(report) for report in reports) if reports else None)
