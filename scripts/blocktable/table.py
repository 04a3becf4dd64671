"""The table of blocks: every kind of block in every way of watching, found or not, and how well.

A cell is the verdict of one run in a process of its own. A run that the machine disturbed and that came out wrong is
repeated; what stays wrong is shown as it is, with a mark when the last run was disturbed too.
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
import blocks  # noqa: E402
import matrix  # noqa: E402
import render  # noqa: E402

PEERS = ["aiocop", "asynclens", "loopsentry"]
DEBUG = {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}
AT_ONCE = 2
PATIENCE = 60.0
MODULES = ("uvloop", "numpy")


class Column:
    """One way of watching, on one Python and one loop."""

    def __init__(self, python: matrix.Python, loop: str, way: str) -> None:
        self.python, self.loop, self.way = python, loop, way

    @property
    def label(self) -> str:
        return f"{self.loop} {self.way}"

    def command(self, row: blocks.Row, reports: Path) -> tuple[list[str], dict[str, str]]:
        program = [str(row.path), self.loop]
        if self.way == "debug mode":
            return program, DEBUG
        if self.way in PEERS:
            return [str(HERE / "shim.py"), self.way, str(reports), *program], {}
        watch = ["-m", "asyncwatch", "--format", "json", "--output", str(reports), "--profile", self.way]
        return [*watch, *program], {"PYTHONPATH": str(SOURCE)}

    def judge(self, row: blocks.Row, lines: list[Any], err: str, measure: blocks.Measure) -> blocks.Verdict:
        if self.way == "debug mode":
            return blocks.judge_debug_mode(row, err, measure.held)
        if self.way in PEERS:
            return blocks.judge_reports(row, lines, measure.held)
        return blocks.judge(row, lines, measure)


class Result:
    """What became of one cell: a verdict, or the reason why there is none."""

    def __init__(self, verdict: blocks.Verdict | None = None, why: str = "", attempts: int = 0) -> None:
        self.verdict, self.why, self.attempts = verdict, why, attempts


def run_once(row: blocks.Row, column: Column) -> Result:
    done = matrix.run_program(column.python.path, lambda reports: column.command(row, reports), PATIENCE)
    if done is None:
        return Result(why="hung")
    run, lines = done
    measure = blocks.read_measure(run.stdout)
    if run.returncode != 0 or measure is None:
        return Result(why=matrix.broke(run))
    if measure.cannot:
        return Result(why=f"not here: {measure.cannot}")
    return Result(column.judge(row, lines, run.stderr, measure))


def run(row: blocks.Row, column: Column, repeats: int, deadline: float) -> Result:
    why = row.why_not(column.python.version, column.python.modules)
    if column.loop not in ("asyncio", *column.python.modules):
        why = f"needs {column.loop}"
    if why:
        return Result(why=why)
    found = matrix.repeated(lambda: run_once(row, column), is_settled, repeats, deadline)
    return found or Result(why="no time left")


def is_settled(result: Result) -> bool:
    return result.verdict is None or result.verdict.right or not result.verdict.disturbed


def make_columns(options: argparse.Namespace) -> list[Column]:
    columns = []
    for python in (matrix.Python(path, MODULES) for path in options.python):
        for loop in ("asyncio", "uvloop"):
            columns += [Column(python, loop, way) for way in ("light", "debug", "debug mode")]
    if options.peers:
        python = matrix.Python(options.peers, MODULES)
        columns += [Column(python, loop, peer) for peer in PEERS for loop in ("asyncio", "uvloop")]
    return columns


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/blocks", description="Make the table of blocks.")
    parser.add_argument("--quick", action="store_true", help="one Python, no peers, no repeats, under 3 minutes")
    parser.add_argument("--timeout", type=float, help="seconds for all runs (default: 3600; with --quick 150)")
    parser.add_argument("--rows", default="", metavar="NAME[,NAME...]", help="only these rows")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every verdict to this file")
    parser.add_argument("--python", action="append", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peers", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.timeout = options.timeout or (150.0 if options.quick else 3600.0)
    options.repeats = 0 if options.quick else 2
    return options


def main() -> None:
    options = read_options()
    rows = [row for row in blocks.all_rows() if not options.rows or row.name in options.rows.split(",")]
    columns = make_columns(options)
    began, before = time.monotonic(), os.getloadavg()
    deadline = began + options.timeout
    results = matrix.run_all("blocks", rows, columns, lambda *case: run(*case, options.repeats, deadline), AT_ONCE)
    facts = {"seconds": time.monotonic() - began, "cores": os.cpu_count(), "load": [before, os.getloadavg()]}
    print(render.markdown(rows, columns, results, facts))
    if options.json:
        options.json.write_text(json.dumps(render.plain(rows, columns, results, facts), indent=1) + "\n")


if __name__ == "__main__":
    main()
