"""Rounds of measurements: all ways of a workload one right after the other, in an order that turns.

Every way is a process that lives for one round. What the machine does meanwhile hits all ways alike, a ratio is taken
to the bare measurement next to it, and a process that was unlucky with its memory's layout counts for one round only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import load
import servers
from ways import Broken, Way, Worker, close_all
from workloads import SERVERS

WARM_UP = 0.02

# By loop, workload and way: CPU seconds of one operation, round by round; None where the program broke.
Times = dict[tuple[str, str], dict[str, list[float | None]]]


def measure_all(
    loops: Sequence[str], workloads: Sequence[str], ways: Sequence[Way], seconds: float, minutes: float
) -> Times:
    """As many rounds as there is time for, at least one."""
    times: Times = {(loop, name): {way.name: [] for way in ways} for loop in loops for name in workloads}
    began = time.monotonic()
    number, longest = 0, 0.0
    while number == 0 or time.monotonic() - began + longest < 60 * minutes:
        number += 1
        started = time.monotonic()
        for loop in loops:
            one_round(times, loop, workloads, ways, seconds, f"round {number}, {loop}")
        longest = max(longest, time.monotonic() - started)
        progress(f"round {number} took {time.monotonic() - started:.0f} s", last=True)
    return times


def one_round(
    times: Times, loop: str, workloads: Sequence[str], ways: Sequence[Way], seconds: float, label: str
) -> None:
    workers = {way.name: way.start(loop) for way in ways}
    broken: set[str] = set()
    try:
        for name, worker in workers.items():
            ready(name, worker, broken)
        for turn, workload in enumerate(workloads):
            progress(f"{label}: {workload} ({turn + 1} of {len(workloads)})")
            for way in (*ways[turn % len(ways) :], *ways[: turn % len(ways)]):
                if way.name in broken:  # what ended with one workload is started anew for the next
                    workers[way.name].close()
                    workers[way.name] = way.start(loop)
                    broken.discard(way.name)
                    ready(way.name, workers[way.name], broken)
                found = attempt(workers[way.name], workload, seconds)
                times[loop, workload][way.name].append(found)
                if found is None:
                    broken.add(way.name)
    finally:
        close_all(workers.values())


def ready(name: str, worker: Worker, broken: set[str]) -> None:
    try:
        worker.read()
    except Broken:
        broken.add(name)


def attempt(worker: Worker, workload: str, seconds: float) -> float | None:
    """One measurement after a short one that warms up; None when the process did not survive it."""
    try:
        measure(worker, workload, WARM_UP)
        return measure(worker, workload, seconds)
    except (Broken, RuntimeError, OSError):
        return None


def measure(worker: Worker, workload: str, seconds: float) -> float:
    """CPU seconds of one operation."""
    worker.tell([workload, seconds])
    found = worker.read()
    if workload in SERVERS:
        operations = load.drive(found, servers.PATH, seconds)
        worker.tell("enough")
        return float(worker.read()["cpu"]) / operations
    return float(found["cpu"]) / float(found["operations"])


def progress(text: str, *, last: bool = False) -> None:
    """One line that is written over where somebody looks; where not, only the last of its kind is written."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
    elif last:
        print(text, file=sys.stderr, flush=True)
