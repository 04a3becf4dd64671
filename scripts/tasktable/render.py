"""The table of task conditions as text and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matrix

if TYPE_CHECKING:
    from table import Column, Result
    from tasks import Row

Results = dict[Any, "Result"]

LEGEND = """\
light and debug are asyncwatch's profiles. A program with a condition: "line" when it was found and its line named,
"found" when found without the line, "-" when nothing was said. A healthy program, and asyncwatch on any: "WOLF" for a
finding that is none. Healthy is "-". debug mode is Python's own: -X dev -W always, PYTHONASYNCIODEBUG=1.
The others are judged kindly: whatever they say of a program with a condition counts as found, wherever the line stands
in it as named, whatever they call it; only asyncwatch must say the right code, once. Slow callbacks do not count here.
pyleak tells at the end of main of every task that is alive then, the guilty and those it waits for alike; loopsentry
tells of every task that lived for a second, when it has ended. aiomonitor gives no verdict: "found" is that it lists
the task when main ends, "line" that the task's creation or its stack there shows the line. It lists healthy tasks
alike, so "no verdict" for those. asyncwatch says it while the program runs, but for AW205, which is about its end."""


def table(rows: Sequence[Row], columns: Sequence[Column], results: Results, facts: dict[str, Any]) -> str:
    head = ["code", "program", *(column.label for column in columns)]
    body = [[row.code or "healthy", row.name, *(cell(results[row.name, col], col) for col in columns)] for row in rows]
    parts = [aligned([head, *body, *counts(rows, columns, results)]), LEGEND]
    parts += hidden(rows, columns, results)
    wrong = complaints(rows, columns, results)
    if wrong:
        parts.append("asyncwatch is wrong here:\n" + "\n".join(wrong))
    return "\n\n".join([*parts, matrix.ending(columns, facts)])


def aligned(lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines = [lines[0], ["-" * width for width in widths], *lines[1:]]
    padded = (" | ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(f"| {line} |" for line in padded)


def cell(result: Result, column: Column) -> str:
    verdict = result.verdict
    if verdict is None:
        return result.why.partition(":")[0]
    wolf = "WOLF" if verdict.alarms else ""
    if verdict.found is None:
        return "no verdict" if column.way == "aiomonitor" else wolf or "-"
    if not verdict.found:
        found = f"{'/'.join(verdict.instead)} instead" if verdict.instead else "-"
    else:
        found = "line" if verdict.named else "found"
    return f"{found}, {wolf}" if wolf else found


def counts(rows: Sequence[Row], columns: Sequence[Column], results: Results) -> list[list[str]]:
    """How many of the conditions were found and placed, and how many healthy programs were blamed."""
    verdicts = {
        column: [(row, verdict) for row in rows if (verdict := results[row.name, column].verdict)] for column in columns
    }
    guilty = {column: [verdict for row, verdict in verdicts[column] if row.code] for column in columns}
    return [
        ["", "conditions found", *(part(guilty[col], lambda verdict: verdict.found) for col in columns)],
        ["", "line named", *(part(guilty[col], lambda verdict: verdict.named) for col in columns)],
        ["", "programs blamed wrongly", *(blamed(verdicts[col], col) for col in columns)],
    ]


def part(verdicts: Sequence[Any], test: Any) -> str:
    return f"{sum(bool(test(verdict)) for verdict in verdicts)}/{len(verdicts)}"


def blamed(verdicts: Sequence[Any], column: Column) -> str:
    """For asyncwatch of all programs, for the others of the healthy ones."""
    of = [verdict for row, verdict in verdicts if column.ours or not row.code]
    return "no verdict" if column.way == "aiomonitor" else part(of, lambda verdict: verdict.alarms)


def hidden(rows: Sequence[Row], columns: Sequence[Column], results: Results) -> list[str]:
    """Where one of the others made a report of Python's own vanish."""
    standard = [column for column in columns if column.way == "debug mode"]
    found = []
    for column in columns:
        if column.ours or not standard or column in standard:
            continue
        lost = [
            row.name
            for row in rows
            if results[row.name, column].verdict
            and set(results[row.name, standard[0]].own) - set(results[row.name, column].own)
        ]
        if lost:
            found.append(f"Under {column.way} Python's own report vanished in: {', '.join(lost)}.")
    return found


def complaints(rows: Sequence[Row], columns: Sequence[Column], results: Results) -> list[str]:
    wrong = []
    for row in rows:
        for column in columns:
            result = results[row.name, column]
            if column.ours and not result.right:
                what = result.verdict.complaint() if result.verdict else result.why
                again = f" ({result.attempts} runs)" if result.attempts > 1 else ""
                wrong.append(f"  {row.name}, {column.label}: {what}{again}")
    return wrong


def plain(rows: Sequence[Row], columns: Sequence[Column], results: Results, facts: dict[str, Any]) -> dict[str, Any]:
    found = []
    for row in rows:
        for column in columns:
            result = results[row.name, column]
            told = {"program": row.name, "title": row.title, "code": row.code, "line": row.line}
            told |= {"watched_by": column.way, "loop": column.loop, "python": column.python.full}
            told["attempts"] = result.attempts
            if result.verdict is None:
                told["not_judged"] = result.why
            else:
                told |= {**dataclasses.asdict(result.verdict), "right": result.verdict.right}
            found.append(told)
    return {**facts, "results": found}
