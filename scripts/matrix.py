"""What the tables have in common: programs in rows, ways of watching in columns, each pair a process of its own."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

ASK = "import sys, json, importlib.util as u; print(json.dumps([sys.version.split()[0], sys.version_info[:2], \
[name for name in {} if u.find_spec(name)]]))"


class Python:
    """An interpreter, and which of some modules it has."""

    def __init__(self, path: str, modules: Collection[str]) -> None:
        self.path = path
        ask = [path, "-c", ASK.format(tuple(modules))]
        said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
        self.full, version, self.modules = json.loads(said)
        self.version: tuple[int, int] = (version[0], version[1])

    @property
    def label(self) -> str:
        return "{}.{}".format(*self.version)


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours without what would change how Python or asyncwatch behaves, and with these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCWATCH", "PYTHON"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **settings}


def run_program(
    python: str, command: Callable[[Path], tuple[list[str], dict[str, str]]], patience: float
) -> tuple[subprocess.CompletedProcess[str], list[Any]] | None:
    """The ended process and the lines of JSON it reported; None when it had not ended after `patience` seconds.

    `command` makes the arguments and settings, given the path to report to.
    """
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder, "reports")
        arguments, settings = command(reports)
        try:
            run = subprocess.run(
                [python, *arguments],
                cwd=folder,
                env=clean_environment(settings),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        text = reports.read_text() if reports.exists() else ""
    return run, [json.loads(line) for line in text.splitlines()]


def broke(run: subprocess.CompletedProcess[str]) -> str:
    """Why there is no verdict of a program that did not come to its end."""
    return f"broke: {(run.stderr.splitlines() or ['no word'])[-1]}"


def run_all(
    name: str, rows: Sequence[Any], columns: Sequence[Any], run: Callable[[Any, Any], Any], at_once: int
) -> dict[Any, Any]:
    """What `run` says of each row in each column, some at once; progress is shown under the table's name."""
    results = {}
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        # Row by row: what the machine does meanwhile hits all columns alike.
        order = [(row, column) for row in rows for column in columns]
        cases = {pool.submit(run, *case): case for case in order}
        for future in concurrent.futures.as_completed(cases):
            row, column = cases[future]
            results[row.name, column] = future.result()
            done = len(results)
            progress(name, done, f"{done} of {len(cases)}: {row.name}, {column.python.label} {column.label}")
    progress(name, 0, "")
    return results


def repeated(once: Callable[[], Any], settled: Callable[[Any], bool], repeats: int, deadline: float) -> Any:
    """The result of `once`, tried again while it is not settled; None when there was no time left for any."""
    result = None
    for attempt in range(1 + repeats):
        if time.monotonic() > deadline:
            break
        result = once()
        result.attempts = attempt + 1
        if settled(result):
            break
    return result


def progress(name: str, done: int, text: str) -> None:
    """One line that is written over; where nobody looks, a line now and then."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif done % 100 == 0 and text:
        print(f"{name}: {text}", file=sys.stderr, flush=True)


def ending(columns: Sequence[Any], facts: Mapping[str, Any]) -> str:
    """Where and when the table was made."""
    pythons = ", ".join(dict.fromkeys(column.python.full for column in columns))
    before, after = facts["load"][0][0], facts["load"][1][0]
    cores, seconds = facts["cores"], facts["seconds"]
    return f"Python {pythons}; {cores} cores, load {before:.1f} before and {after:.1f} after, in {seconds:.0f} s."
