"""Two tables: what an instrument sees beside trio's, hook for hook, and what each set of hooks costs.

The price is taken in one process: all ways in turn, round after round, so that what the machine does meanwhile hits
them alike. A ratio is to the round's own run with a watcher and no instrument; the table shows the median.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SEQUENCES = ROOT / "tests" / "instruments" / "sequences.py"
SHORT = {
    "before_run": "run[",
    "after_run": "]run",
    "task_spawned": "spawn",
    "task_scheduled": "sched",
    "before_task_step": "(",
    "after_task_step": ")",
    "task_exited": "exit",
}
WAYS: dict[str, tuple[str, ...]] = {
    "no instrument": (),
    "one without hooks": (),
    "run": ("before_run", "after_run"),
    "waits": ("before_io_wait", "after_io_wait"),
    "spawned": ("task_spawned",),
    "scheduled": ("task_scheduled",),
    "steps": ("before_task_step", "after_task_step"),
    "all": (*SHORT, "before_io_wait", "after_io_wait", "before_callback", "after_callback"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/instruments", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    loops = ["asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])
    has_trio = importlib.util.find_spec("trio") is not None
    eager = [f"{loop}-eager" for loop in loops] if sys.version_info >= (3, 12) else []
    print_sequences([*(["trio"] if has_trio else []), *loops, *eager])
    for loop in loops:
        print_price(loop, options.rounds)
    if has_trio:
        print_trio(options.rounds)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {options.rounds} rounds")


def print_sequences(kinds: list[str]) -> None:
    seen = {kind: sequences(kind) for kind in kinds}
    for scenario in seen[kinds[0]]:
        print(f"\n{scenario}")
        for kind in kinds:
            same = seen[kind][scenario] == seen[kinds[0]][scenario]
            print(f"  {kind:<14}{'as above' if same and kind != kinds[0] else shown(seen[kind][scenario])}")


def sequences(kind: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(SEQUENCES), kind], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shown(found: dict[str, Any]) -> str:
    return "\n                ".join(f"{key}: {short(value)}" for key, value in sorted(found.items()))


def short(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(SHORT.get(one, one) for one in value)
    return json.dumps(value)


def nothing(*args: object) -> None:
    """A hook that costs its call alone."""


async def switches(count: int = 2_000) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def tasks(count: int = 1_000) -> None:
    for _ in range(count):
        await asyncio.create_task(switches(0))


def print_price(kind: str, rounds: int) -> None:
    import asyncwatch

    module = __import__(kind)
    print(f"\nCPU time with instruments on {kind}, as multiples of the watcher alone")
    print(f"{'':<20}" + "".join(f"{work.__name__:>12}" for work in (switches, tasks)))
    times: dict[tuple[str, str], list[float]] = {}
    with asyncwatch.watch(output=()), asyncio.Runner(loop_factory=module.new_event_loop) as runner:
        for _ in range(rounds):
            for way, hooks in WAYS.items():
                for work in (switches, tasks):
                    times.setdefault((way, work.__name__), []).append(runner.run(timed(work, way, hooks)))
    for way in WAYS:
        cells = [ratio(times[way, name], times["no instrument", name]) for name in ("switches", "tasks")]
        print(f"{way:<20}" + "".join(f"{cell:>12.2f}" for cell in cells))


async def timed(work: Callable[[], Any], way: str, hooks: tuple[str, ...]) -> float:
    import asyncwatch

    instrument = type("Way", (asyncwatch.Instrument,), dict.fromkeys(hooks, nothing))()
    if way != "no instrument":
        asyncwatch.add_instrument(instrument)
    await asyncio.sleep(0)
    began = time.thread_time()
    await work()
    used = time.thread_time() - began
    if way != "no instrument":
        asyncwatch.remove_instrument(instrument)
    return used


def print_trio(rounds: int) -> None:
    import trio

    import asyncwatch

    async def steps() -> float:
        began = time.thread_time()
        for _ in range(2_000):
            await trio.lowlevel.checkpoint()
        return time.thread_time() - began

    async def many() -> float:
        began = time.thread_time()
        async with trio.open_nursery() as nursery:
            for _ in range(1_000):
                nursery.start_soon(trio.lowlevel.checkpoint)
        return time.thread_time() - began

    for name, work in (("a checkpoint a turn", steps), ("a thousand tasks", many)):
        bare, watched = [], []
        for _ in range(rounds):
            bare.append(trio.run(work))
            with asyncwatch.watch(output=()):
                watched.append(trio.run(work))
        print(f"trio watched, {name}: {ratio(watched, bare):.2f} times its own")


def ratio(times: list[float], base: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(times, base, strict=True))


if __name__ == "__main__":
    main()
