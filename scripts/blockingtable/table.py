"""The table of blocking calls: which are reported, by asyncwatch on each Python and by the two tools with such a list.

Every column is one process that makes all calls, each in a task of its own; asyncwatch must name the call's own line.
The rows are the functions of all three lists, and calls that wait for nothing, which must not be reported. Then, unless
told otherwise, the programs of blockbuster's own tests under asyncwatch, and what the opt-in part costs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import prices  # noqa: E402
import theirs  # noqa: E402
from cases import CASES  # noqa: E402
from matrix import Python, clean_environment  # noqa: E402

WATCH = ["-m", "asyncwatch", "--profile", "light", "--extend-select", "AW104", "--slow-callback-duration", "60"]
PATIENCE = 120.0
TOOLS = ("blockbuster", "aiocop")
# No wait, or what a program does once: on a list of theirs, and on purpose not on ours.
ON_PURPOSE = {
    "nntplib.connect": "gone from Python 3.13",
    "import": "imports are left out",
    "os.fork": "copies the process, waits for nothing",
    "os.exec": "replaces the process",
    "syslog.syslog": "logging is left out",
    "syslog.openlog": "logging is left out",
}


def main() -> None:
    options = read_options()
    began, load = time.monotonic(), os.getloadavg()[0]
    columns: dict[str, dict[str, bool]] = {}
    known: dict[str, list[str]] = {}
    pythons = [Python(path, ()) for path in options.python]
    for python in pythons:
        columns[f"asyncwatch {python.label}"] = ours(python.path)
    if options.peers:
        for tool in TOOLS:
            columns[tool], known[tool] = their(options.peers, tool)
    print_table(columns)
    print_lists(known)
    if options.theirs and not options.quick:
        theirs.report(options.theirs_python, Path(options.theirs), [*WATCH, "--output"])
    if not options.no_prices:
        prices.report(pythons[-1].path, 1 if options.quick else 5)
    made = ", ".join(python.full for python in pythons)
    print(f"\nPython {made}; {os.cpu_count()} cores, load {load:.1f} before, in {time.monotonic() - began:.0f} s.")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/blocking", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one Python, one short round of prices: about a minute")
    parser.add_argument("--no-prices", action="store_true", help="leave the prices out")
    parser.add_argument("--python", action="append", default=[], metavar="PATH", help="with asyncwatch; repeatable")
    parser.add_argument("--peers", metavar="PATH", help="a Python with blockbuster and aiocop")
    parser.add_argument("--theirs", metavar="FOLDER", help="blockbuster's unpacked source, for its own tests")
    parser.add_argument("--theirs-python", metavar="PATH", help="a Python with asyncwatch and what its tests import")
    options = parser.parse_args()
    options.python = options.python or [sys.executable]
    return options


def ours(python: str) -> dict[str, bool]:
    """What asyncwatch says, by row: only a finding of the row's own task, at its own line, counts."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "findings.jsonl")
        run([python, *WATCH, "--output", str(output), str(HERE / "run.py"), "asyncwatch"], folder)
        found = [json.loads(line) for line in output.read_text().splitlines()]
    said = {
        (line["task"]["name"], line["where"]["line"])
        for line in found
        if line["code"] == "AW104" and "where" in line and line["where"]["file"].endswith("cases.py")
    }
    return {case.name: (case.name, case.line) in said for case in CASES}


def their(python: str, tool: str) -> tuple[dict[str, bool], list[str]]:
    """What a peer says, by row, and the names on its list."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [json.loads(line) for line in run([python, str(HERE / "run.py"), tool], folder).splitlines()]
    return {line["name"]: line["found"] for line in lines[:-1]}, lines[-1]["known"]


def run(command: Sequence[str], folder: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"blocking: {' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def print_table(columns: dict[str, dict[str, bool]]) -> None:
    for waits in (True, False):
        rows = [case for case in CASES if case.waits is waits]
        print(f"\n{'calls that block' if waits else 'calls that wait for nothing':<34}" + "  ".join(columns))
        for case in rows:
            cells = [("found" if found[case.name] else "-").ljust(len(name)) for name, found in columns.items()]
            print(f"{case.name:<34}" + "  ".join(cells).rstrip())
        counts = [f"{sum(found[case.name] for case in rows)} of {len(rows)}" for found in columns.values()]
        words = "found" if waits else "false alarms"
        print(f"{words:<34}" + "  ".join(text.ljust(len(name)) for text, name in zip(counts, columns, strict=True)))


def print_lists(known: dict[str, list[str]]) -> None:
    rows = {case.name.replace("threading.Lock", "lock") for case in CASES}
    for tool, names in known.items():
        left = [name for name in names if name.replace("threading.Lock", "lock") not in rows]
        print(f"\n{tool} lists {len(names)} functions; without a row:")
        for name in left:
            print(f"  {name}: {ON_PURPOSE.get(name, 'in no row')}")


if __name__ == "__main__":
    main()
