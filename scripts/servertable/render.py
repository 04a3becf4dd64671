"""The table of servers and children as text and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matrix

if TYPE_CHECKING:
    from kinds import Row
    from table import Column, Result


def table(rows: list[Row], columns: list[Column], results: dict[Any, Result], facts: dict[str, Any]) -> str:
    lines = [["program, signal", *(column.label for column in columns)]]
    lines += [[row.name, *(results[row.name, column].why.partition(":")[0] for column in columns)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    text = "\n".join(
        "| " + " | ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
    wrong = [
        f"{row.name}, {column.label}: {results[row.name, column].why}"
        for row in rows
        for column in columns
        if not results[row.name, column].right
    ]
    done = sum(result.why == "ok" for result in results.values())
    again = sum(result.attempts > 1 for result in results.values())
    return "\n\n".join(
        [text, *wrong, f"{done} of {len(results)} ok, {again} of them tried again", matrix.ending(columns, facts)]
    )


def plain(rows: list[Row], columns: list[Column], results: dict[Any, Result]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        for column in columns:
            result = results[row.name, column]
            one: dict[str, Any] = {"program": row.name, "column": column.label, "result": result.why}
            one["attempts"] = result.attempts
            if result.outcome is not None:
                out = result.outcome
                one |= {"status": out.status, "workers": sorted(out.workers), "killed": sorted(out.killed)}
                one |= {"lines": out.lines, "stderr": out.err[-2000:]}
            found.append(one)
    return found
