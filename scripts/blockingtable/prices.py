"""What the opt-in part costs, and what a mark does: CPU time, all ways in turn, ratios within each round."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from matrix import clean_environment

HERE = Path(__file__).parent
BENCHMARK = HERE.parent / "benchmark"
sys.path.append(str(BENCHMARK))
from interleave import measure  # noqa: E402
from ways import Worker  # noqa: E402

# Seconds of each measurement, and how many the least is taken of.
SECONDS, TIMES = 0.4, 3
NAMES = ("sleep(0) storm", "creation storm", "call_soon chain", "streams echo")
LIGHT = ["-m", "asyncwatch", "--profile", "light", "--output", "/dev/null"]
WAYS = {"bare": [], "light": LIGHT, "light with AW104": [*LIGHT, "--extend-select", "AW104"]}

# Nanoseconds of one call, by the way it is marked and watched; each the least of several, in turn.
CALLS = """
import asyncio, json, time, types
import asyncwatch
def plain(x): return x
@asyncwatch.not_in_async
def marked(x): return x
@asyncwatch.not_in_async(strict=True)
def strict(x): return x
N = 200_000
def once(function):
    began = time.thread_time()
    for _ in range(N):
        function(1)
    return (time.thread_time() - began) / N * 1e9
def least(functions):
    found = {name: [] for name in functions}
    # Code of its own for each: the interpreter fits a call to the function that it met there first.
    timers = {name: types.FunctionType(once.__code__.replace(), globals()) for name in functions}
    for _ in range(7):
        for name, function in functions.items():
            found[name].append(timers[name](function))
    return {name: min(times) for name, times in found.items()}
out = least({"plain": plain, "marked": marked, "strict": strict, "id (audited), no hook": id})
with asyncwatch.watch(output=(), extend_select=frozenset({"AW104"})):
    watched = least({"plain, watched": plain, "marked, watched, in no loop": marked, "id, watched with AW104": id})
    async def on_loop():
        return least({"marked, watched, on a loop": marked})
    watched |= asyncio.run(on_loop())
out |= watched | least({"plain, after the watch": plain, "marked, after the watch": marked, "id, after the watch": id})
print(json.dumps(out))
"""


def run(command: list[str]) -> str:
    done = subprocess.run(
        command,
        env=clean_environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"blocking: {' '.join(command[:6])} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def least(command: list[str], workload: str) -> float:
    """CPU seconds of one operation."""
    worker = Worker(command, {})
    worker.read()
    found = min(measure(worker, workload, SECONDS) for _ in range(TIMES))
    worker.close()
    return found


def report(python: str, rounds: int) -> None:
    """Print the ratios of the workloads and the nanoseconds of a call."""
    print(f"\nCPU time of one operation against the bare program: median (least-greatest) of {rounds} rounds")
    for name in NAMES:
        cpu: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, before in WAYS.items():
                cpu[way].append(least([python, *before, str(BENCHMARK / "worker.py"), "asyncio"], name))
        cells = []
        for way in list(WAYS)[1:]:
            ratios = [time / base for time, base in zip(cpu[way], cpu["bare"], strict=True)]
            cells.append(f"{way} {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
        print(f"  {name:<18}" + ", ".join(cells))
    print("\none call, nanoseconds of CPU")
    for name, value in json.loads(run([python, "-c", CALLS])).items():
        print(f"  {name:<30}{value:>7.0f}")
