"""What watching costs: each workload bare and in four other ways, on two loops, compared within each round.

Every measurement is a process of its own. A round runs all ways of one workload one after the other, so that what
the machine does meanwhile hits them alike; a ratio is taken to the bare run of the same round, and the table shows
the median of the rounds and, with more than one, the least and the greatest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workloads import WORKLOADS

HERE = Path(__file__).parent
DEBUG = {"PYTHONASYNCIODEBUG": "1"}
DEV = {**DEBUG, "PYTHONDEVMODE": "1"}
WATCH = ["-m", "asyncwatch", "--output", os.devnull, "--profile"]
# What stands before the program, and in its environment.
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "bare": ([], {}),
    "light": ([*WATCH, "light"], {}),
    "debug": ([*WATCH, "debug"], {}),
    "asyncio debug": ([], DEBUG),
    "dev mode": ([], DEV),
}
BUDGETS = {"streams echo": 1.1, "creation storm": 1.5}
PATIENCE = 120.0

Ratios = dict[tuple[str, str], dict[str, list[float]]]


def main() -> None:
    options = read_options()
    loops = ["asyncio", "uvloop"] if uvloop_version() else ["asyncio"]
    began, before = time.monotonic(), os.getloadavg()
    cases = [(loop, workload) for loop in loops for workload in WORKLOADS]
    cpu: Ratios = {case: {way: [] for way in WAYS} for case in cases}
    for number in range(options.rounds):
        for case in cases:
            for way in WAYS:
                progress(f"round {number + 1} of {options.rounds}: {case[0]}, {case[1]}, {way}")
                cpu[case][way].append(measure(*case, way, options))
    progress("")
    ratios = {case: {way: divide(times, ways["bare"]) for way, times in ways.items()} for case, ways in cpu.items()}
    after, took = os.getloadavg(), time.monotonic() - began
    print_table(cpu, ratios)
    print_means(ratios)
    print_budgets(ratios)
    print(
        f"\nPython {platform.python_version()}, uvloop {uvloop_version() or 'not installed'}, {os.cpu_count()} cores, "
        f"load {before[0]:.1f} before and {after[0]:.1f} after; rounds: {options.rounds}, in {took:.0f} s"
    )
    if options.json:
        write_json(options.json, cpu, ratios, [before, after])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure what asyncwatch costs.")
    parser.add_argument("--quick", action="store_true", help="one short round, about a minute and a half")
    parser.add_argument("--rounds", type=int, help="rounds (default: 5; with --quick 1)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every measurement to this file")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds, options.repetitions = (0.4, 3) if options.quick else (0.5, 3)
    return options


def measure(loop: str, workload: str, way: str, options: argparse.Namespace) -> float:
    """CPU seconds of one operation, in a process of its own."""
    arguments, settings = WAYS[way]
    script = [str(HERE / "workloads.py"), workload, loop, str(options.seconds), str(options.repetitions)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCWATCH", "PYTHON"))}
    run = subprocess.run(
        [sys.executable, *arguments, *script],
        env={**clean, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if run.returncode != 0:
        progress("")
        sys.exit(f"bench: {workload} on {loop}, {way}, ended with status {run.returncode}:\n{run.stderr}")
    found: float = json.loads(run.stdout.splitlines()[-1])["cpu"]
    return found


def divide(times: list[float], bare: list[float]) -> list[float]:
    return [time / base for time, base in zip(times, bare, strict=True)]


def uvloop_version() -> str | None:
    try:
        return version("uvloop")
    except PackageNotFoundError:
        return None


def progress(text: str) -> None:
    """One line that is written over; only where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def print_table(cpu: Ratios, ratios: Ratios) -> None:
    print("CPU time of one operation: bare in microseconds, the others as multiples of it\n")
    print(f"{'loop':<9}{'workload':<17}{'bare':>7}" + "".join(f"{way:>21}" for way in WAYS if way != "bare"))
    for (loop, workload), ways in ratios.items():
        base = 1e6 * statistics.median(cpu[loop, workload]["bare"])
        cells = "".join(f"{spread(found):>21}" for way, found in ways.items() if way != "bare")
        print(f"{loop:<9}{workload:<17}{base:>7.2f}{cells}")


def spread(found: list[float]) -> str:
    text = f"{statistics.median(found):.2f}"
    return text if len(found) == 1 else f"{text} ({min(found):.2f}-{max(found):.2f})"


def print_means(ratios: Ratios) -> None:
    medians = {way: [statistics.median(ways[way]) for ways in ratios.values()] for way in WAYS}
    means = {way: statistics.geometric_mean(found) for way, found in medians.items()}
    print(f"\ngeometric mean: light {means['light']:.2f}, worst {max(medians['light']):.2f}")
    share = max(ours / theirs for ours, theirs in zip(medians["debug"], medians["dev mode"], strict=True))
    print(
        f"debug against Python's own dev mode: {means['debug'] / means['dev mode']:.2f} of its CPU time, "
        f"worst workload {share:.2f}"
    )


def print_budgets(ratios: Ratios) -> None:
    print()
    for (loop, workload), ways in ratios.items():
        if workload in BUDGETS:
            found, budget = statistics.median(ways["light"]), BUDGETS[workload]
            verdict = "within" if found <= budget else "OVER"
            print(f"{verdict} the budget: light, {workload}, {loop}: {found:.2f} of {budget:.2f} allowed")


def write_json(path: Path, cpu: Ratios, ratios: Ratios, load: list[tuple[float, float, float]]) -> None:
    rows = [
        {"loop": loop, "workload": workload, "way": way, "cpu": found, "ratio": ratios[loop, workload][way]}
        for (loop, workload), ways in cpu.items()
        for way, found in ways.items()
    ]
    facts = {"python": platform.python_version(), "uvloop": uvloop_version(), "cores": os.cpu_count(), "load": load}
    path.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
