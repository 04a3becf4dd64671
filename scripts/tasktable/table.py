"""The table of task conditions: small programs in every way of watching; who finds what, who cries wolf.

A cell is the verdict of one run in a process of its own. A run of asyncwatch that the machine disturbed and that came
out wrong is repeated. The exit status is 1 when a column of asyncwatch is not all right; the others are only reported.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "src"
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "tests")]
import matrix  # noqa: E402
import render  # noqa: E402
import tasks  # noqa: E402

PEERS = ["pyleak", "loopsentry", "aiomonitor"]
STANDARD = "debug mode"
WAYS = ["light", "debug", STANDARD, *PEERS]
DEBUG = {"PYTHONASYNCIODEBUG": "1"}
# Of what Python prints by itself, without any flag: whoever makes it vanish hides a fact.
OWN_WORDS = ["Task was destroyed but it is pending", "exception was never retrieved"]
AT_ONCE = 3  # the programs mostly wait
PATIENCE = 30.0
MODULES = ("uvloop", "anyio")


class Column:
    """One way of watching, on one Python and one loop."""

    def __init__(self, python: matrix.Python, way: str, loop: str = "asyncio") -> None:
        self.python, self.way, self.loop = python, way, loop

    @property
    def ours(self) -> bool:
        return self.way in ("light", "debug")

    @property
    def label(self) -> str:
        return f"{self.way} {self.loop}" if self.ours else self.way

    def command(self, row: tasks.Row, reports: Path) -> tuple[list[str], dict[str, str]]:
        program = [str(row.path), self.loop]
        if self.way == STANDARD:
            return ["-X", "dev", "-W", "always", *program], DEBUG
        if self.way in PEERS:
            return [str(HERE / "shim.py"), self.way, str(reports), *program], {}
        watch = ["-m", "asyncwatch", "--format", "json", "--output", str(reports), "--profile", self.way]
        return [*watch, *tasks.OPTIONS, *program], {"PYTHONPATH": str(SOURCE)}

    def judge(self, row: tasks.Row, lines: list[Any], err: str) -> tasks.Verdict:
        if self.ours:
            return tasks.judge(row, lines)
        return tasks.judge_reports(row, tasks.standard_reports(err) if self.way == STANDARD else lines)


class Result:
    """What became of one cell: a verdict, or the reason why there is none; and which words of Python's own it had."""

    def __init__(self, verdict: tasks.Verdict | None = None, why: str = "", own: tuple[str, ...] = ()) -> None:
        self.verdict, self.why, self.own = verdict, why, own
        self.attempts = 0

    @property
    def right(self) -> bool:
        """Whether there is nothing to mend; what cannot run here is no fault."""
        return self.verdict.right if self.verdict is not None else self.why.startswith("needs ")


def run_once(row: tasks.Row, column: Column) -> Result:
    done = matrix.run_program(column.python.path, lambda reports: column.command(row, reports), PATIENCE)
    if done is None:
        return Result(why="hung")
    run, lines = done
    if not tasks.came_to_its_end(run.returncode, run.stdout):
        return Result(why=matrix.broke(run))
    verdict = column.judge(row, lines, run.stderr)
    return Result(verdict, own=tuple(words for words in OWN_WORDS if words in run.stderr))


def run(row: tasks.Row, column: Column, repeats: int, deadline: float) -> Result:
    if why := row.why_not(column.python.version, column.python.modules):
        return Result(why=why)

    def is_settled(result: Result) -> bool:
        return not column.ours or result.verdict is None or result.right or not result.verdict.disturbed

    found = matrix.repeated(lambda: run_once(row, column), is_settled, repeats, deadline)
    return found or Result(why="no time left")


def make_columns(options: argparse.Namespace) -> list[Column]:
    here = matrix.Python(sys.executable, MODULES)
    loops = ["asyncio"] if options.quick or "uvloop" not in here.modules else ["asyncio", "uvloop"]
    columns = [Column(here, way, loop) for loop in loops for way in ("light", "debug")]
    if options.peers:
        there = matrix.Python(options.peers, MODULES)
        columns += [Column(there, way) for way in (STANDARD, *PEERS)]
    return [column for column in columns if not options.ways or column.way in options.ways.split(",")]


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/taskrules", description="Make the table of task conditions.")
    parser.add_argument("--quick", action="store_true", help="asyncwatch alone on the stock loop, no repeats")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for all runs (default: 1800)")
    parser.add_argument("--rows", default="", metavar="NAME[,NAME...]", help="only these programs")
    parser.add_argument("--ways", default="", metavar="WAY[,WAY...]", help=f"only these of {', '.join(WAYS)}")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every verdict to this file")
    parser.add_argument("--peers", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.repeats = 0 if options.quick else 2
    return options


def main() -> None:
    options = read_options()
    every = tasks.all_rows()
    rows = [row for row in every if not options.rows or row.name in options.rows.split(",")]
    if not rows:
        sys.exit(f"scripts/taskrules: no such program; there are {', '.join(row.name for row in every)}")
    columns = make_columns(options)
    began, before = time.monotonic(), os.getloadavg()
    deadline = began + options.timeout
    results = matrix.run_all("taskrules", rows, columns, lambda *case: run(*case, options.repeats, deadline), AT_ONCE)
    facts = {"seconds": time.monotonic() - began, "cores": os.cpu_count(), "load": [before, os.getloadavg()]}
    print(render.table(rows, columns, results, facts))
    if options.json:
        options.json.write_text(json.dumps(render.plain(rows, columns, results, facts), indent=1) + "\n")
    sys.exit(not all(results[row.name, column].right for row in rows for column in columns if column.ours))


if __name__ == "__main__":
    main()
