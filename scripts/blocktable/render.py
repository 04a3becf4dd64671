"""The table of blocks as Markdown and as plain data."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matrix

if TYPE_CHECKING:
    from blocks import Row
    from table import Column, Result

Results = dict[Any, "Result"]

LEGEND = """\
A cell: **ok** when all that can be judged is right, else what is wrong; then the error of the duration and the cause
that was given. A duration may be off by 20 ms or 10 % (or what the finding itself says it is unsure of). Rows of the
causes gc and starved have no line to blame: ok is to blame none, and for asyncwatch to name the cause. Where the
program itself counted that it had no CPU for much of its block, the cause starved is right as well. Debug mode is
PYTHONASYNCIODEBUG=1 PYTHONDEVMODE=1, found by its `Executing … took`; it and the peers give no cause, and their line
counts as named wherever the report has it. (d): the machine disturbed the run."""


def markdown(rows: Sequence[Row], columns: Sequence[Column], results: Results, facts: dict[str, Any]) -> str:
    parts = []
    for label, group in groups(columns).items():
        head = ["block", "cause", *(column.label for column in group)]
        body = [[f"{row.name}: {row.title}", row.cause, *cells(row, group, results)] for row in rows]
        parts += [f"## {label}", table(head, body)]
    head = ["Python", "watched by", "rows", "found", "right line", "duration right", "median error", "cause right"]
    numbers = [count(rows, column, results) for column in columns]
    parts += ["## In numbers", table([*head, "all right", "false alarms"], numbers)]
    return "\n\n".join([*parts, LEGEND, matrix.ending(columns, facts)])


def groups(columns: Sequence[Column]) -> dict[str, list[Column]]:
    """One table for each Python, and one for the peers."""
    found: dict[str, list[Column]] = {}
    for column in columns:
        own = column.way in ("light", "debug", "debug mode")
        label = f"Python {column.python.label}" if own else f"Peers, on Python {column.python.label}"
        found.setdefault(label, []).append(column)
    return found


def table(head: list[str], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def cells(row: Row, columns: Sequence[Column], results: Results) -> list[str]:
    return [cell(row, results[row.name, column]) for column in columns]


def cell(row: Row, result: Result) -> str:
    verdict = result.verdict
    if verdict is None:
        return result.why
    words = ["ok"] if verdict.right else wrongs(row, verdict)
    if verdict.error is not None:
        words.append(f"{1000 * verdict.error:+.0f} ms")
    if verdict.cause:
        words.append(verdict.cause)
    if verdict.disturbed and not verdict.right:
        words.append("(d)")
    return ", ".join(words)


def wrongs(row: Row, verdict: Any) -> list[str]:
    words = ["FALSE ALARM"] if verdict.alarms else []
    if verdict.found is False:
        return [*words, "MISSED" if row.blames else "not said"]
    named = {"WRONG LINE": verdict.right_line, "WRONG LENGTH": verdict.exact, "WRONG CAUSE": verdict.right_cause}
    return [*words, *(word for word, right in named.items() if right is False)]


def count(rows: Sequence[Row], column: Column, results: Results) -> list[str]:
    """How many rows are right in which respect, of those that ran."""
    found = [(row, results[row.name, column].verdict) for row in rows]
    verdicts = [(row, verdict) for row, verdict in found if verdict is not None]
    blamed = [verdict for row, verdict in verdicts if row.blames]
    errors = [abs(verdict.error) for verdict in blamed if verdict.error is not None]
    causes = [verdict.right_cause for _, verdict in verdicts]
    return [
        column.python.label,
        column.label,
        str(len(verdicts)),
        f"{sum(verdict.found is True for verdict in blamed)}/{len(blamed)}",
        f"{sum(verdict.right_line is True for verdict in blamed)}/{len(blamed)}",
        f"{sum(verdict.exact is True for verdict in blamed)}/{len(blamed)}",
        f"{1000 * statistics.median(errors):.0f} ms" if errors else "-",
        f"{causes.count(True)}/{len(causes)}" if column.way in ("light", "debug") else "-",
        f"{sum(verdict.right for _, verdict in verdicts)}/{len(verdicts)}",
        str(sum(bool(verdict.alarms) for _, verdict in verdicts)),
    ]


def plain(rows: Sequence[Row], columns: Sequence[Column], results: Results, facts: dict[str, Any]) -> dict[str, Any]:
    found = []
    for row in rows:
        for column in columns:
            result = results[row.name, column]
            told = {"row": row.name, "expected_cause": row.cause, "python": column.python.full, "loop": column.loop}
            told |= {"watched_by": column.way, "attempts": result.attempts}
            if result.verdict is None:
                told["not_judged"] = result.why
            else:
                told |= {**dataclasses.asdict(result.verdict), "right": result.verdict.right}
                told["complaint"] = result.verdict.complaint()
            found.append(told)
    return {**facts, "results": found}
