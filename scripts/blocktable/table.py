"""The table of blocks: every kind of block in every way of watching, found or not, and how well.

A cell is the verdict of one run in a process of its own. A run that the machine disturbed and that came out wrong is
repeated; what stays wrong is shown as it is, with a mark when the last run was disturbed too.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import render

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "src"
sys.path.insert(0, str(HERE.parent.parent / "tests"))
import blocks  # noqa: E402

PEERS = ["aiocop", "asynclens", "loopsentry"]
DEBUG = {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}
AT_ONCE = 2
PATIENCE = 60.0
ASK = "import sys, json, importlib.util as u; print(json.dumps([sys.version.split()[0], sys.version_info[:2], \
[name for name in ('uvloop', 'numpy') if u.find_spec(name)]]))"


class Python:
    """An interpreter, and what it has."""

    def __init__(self, path: str) -> None:
        self.path = path
        said = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=True).stdout
        self.full, version, self.modules = json.loads(said)
        self.version: tuple[int, int] = (version[0], version[1])

    @property
    def label(self) -> str:
        return "{}.{}".format(*self.version)


class Column:
    """One way of watching, on one Python and one loop."""

    def __init__(self, python: Python, loop: str, way: str) -> None:
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
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCWATCH", "PYTHON"))}
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder, "reports")
        arguments, settings = column.command(row, reports)
        try:
            run = subprocess.run(
                [column.python.path, *arguments],
                cwd=folder,
                env={**clean, "PYTHONDONTWRITEBYTECODE": "1", **settings},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Result(why="hung")
        text = reports.read_text() if reports.exists() else ""
    measure = blocks.read_measure(run.stdout)
    if run.returncode != 0 or measure is None:
        return Result(why=f"broke: {(run.stderr.splitlines() or ['no word'])[-1]}")
    if measure.cannot:
        return Result(why=f"not here: {measure.cannot}")
    return Result(column.judge(row, [json.loads(line) for line in text.splitlines()], run.stderr, measure))


def run(row: blocks.Row, column: Column, repeats: int, deadline: float) -> Result:
    why = row.why_not(column.python.version, column.python.modules)
    if column.loop not in ("asyncio", *column.python.modules):
        why = f"needs {column.loop}"
    if why:
        return Result(why=why)
    result = Result(why="no time left")
    for attempt in range(1 + repeats):
        if time.monotonic() > deadline:
            break
        result = run_once(row, column)
        result.attempts = attempt + 1
        if result.verdict is None or result.verdict.right or not result.verdict.disturbed:
            break
    return result


def make_columns(options: argparse.Namespace) -> list[Column]:
    columns = []
    for python in map(Python, options.python):
        for loop in ("asyncio", "uvloop"):
            columns += [Column(python, loop, way) for way in ("light", "debug", "debug mode")]
    if options.peers:
        python = Python(options.peers)
        columns += [Column(python, loop, peer) for peer in PEERS for loop in ("asyncio", "uvloop")]
    return columns


def run_all(rows: list[blocks.Row], columns: list[Column], options: argparse.Namespace) -> dict[Any, Result]:
    deadline = time.monotonic() + options.timeout
    results = {}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        # Row by row: what the machine does meanwhile hits all columns alike.
        order = [(row, column) for row in rows for column in columns]
        cases = {pool.submit(run, *case, options.repeats, deadline): case for case in order}
        for future in concurrent.futures.as_completed(cases):
            row, column = cases[future]
            results[row.name, column] = future.result()
            progress(len(results), f"{len(results)} of {len(cases)}: {row.name}, {column.python.label} {column.label}")
    progress(0, "")
    return results


def progress(done: int, text: str) -> None:
    """One line that is written over; where nobody looks, a line now and then."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif done % 100 == 0 and text:
        print(f"blocks: {text}", file=sys.stderr, flush=True)


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
    results = run_all(rows, columns, options)
    facts = {"seconds": time.monotonic() - began, "cores": os.cpu_count(), "load": [before, os.getloadavg()]}
    print(render.markdown(rows, columns, results, facts))
    if options.json:
        options.json.write_text(json.dumps(render.plain(rows, columns, results, facts), indent=1) + "\n")


if __name__ == "__main__":
    main()
