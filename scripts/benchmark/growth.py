"""How the cost grows: with the tasks that live, with the loops in threads of their own, with the depth of awaits.

Each point is a process for each way, of one shot: `python growth.py KIND NUMBER SECONDS` prints the CPU seconds of one
operation. Ways are interleaved as in the big table.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

TASKS = (1, 10, 100, 1_000, 10_000, 100_000)
LOOPS = (1, 2, 4, 8, 16, 32, 64)
DEPTHS = (1, 2, 5, 10, 20, 50, 100, 200)
# What is grown, in what unit, at which points; --quick leaves out every second one.
KINDS: dict[str, tuple[str, tuple[int, ...]]] = {
    "live tasks": ("tasks that wait", TASKS),
    "loops": ("loops in threads", LOOPS),
    "await depth": ("coroutines", DEPTHS),
}
WAYS = ("bare", "light", "debug", "dev mode")
SECONDS, ROUNDS, QUICK_ROUNDS = 0.5, 3, 1


async def steps(seconds: float, tasks: int = 10) -> tuple[float, int]:
    """Tasks that give way, as often as there is time for; CPU seconds and steps."""
    done = 0
    end = time.monotonic() + seconds

    async def give_way() -> None:
        nonlocal done
        while time.monotonic() < end:
            for _ in range(20):
                await asyncio.sleep(0)
            done += 20

    cpu = time.process_time()
    await asyncio.gather(*(give_way() for _ in range(tasks)))
    return time.process_time() - cpu, done


async def live_tasks(number: int, seconds: float) -> float:
    """So many tasks wait for something while ten work; what is counted is the work, and what it costs to watch all."""
    event = asyncio.Event()

    async def wait() -> None:
        await event.wait()

    waiting = []
    for start in range(0, number, 1000):
        waiting += [asyncio.create_task(wait()) for _ in range(min(1000, number - start))]
        await asyncio.sleep(0.05 if number > 1000 else 0)
    await asyncio.sleep(0.6)  # from half a second on each is asked who holds it
    cpu, done = await steps(seconds)
    event.set()
    await asyncio.gather(*waiting)
    return cpu / done


def loops(number: int, seconds: float) -> float:
    """So many loops, each in a thread of its own, share the GIL."""
    counts: list[int] = []
    cpu = time.process_time()
    threads = [threading.Thread(target=lambda: counts.append(asyncio.run(steps(seconds, 2))[1])) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.process_time() - cpu) / sum(counts)


async def await_depth(number: int, seconds: float) -> float:
    """A chain of coroutines is made, resumed once at its end, and ended."""

    async def descend(depth: int) -> None:
        if depth > 1:
            await descend(depth - 1)
        else:
            await asyncio.sleep(0)

    done = 0
    end = time.monotonic() + seconds
    cpu = time.process_time()
    while time.monotonic() < end:
        for _ in range(20):
            await descend(number)
        done += 20
    return (time.process_time() - cpu) / done


def one_point(kind: str, number: int, seconds: float) -> float:
    if kind == "live tasks":
        return asyncio.run(live_tasks(number, seconds))
    return loops(number, seconds) if kind == "loops" else asyncio.run(await_depth(number, seconds))


def main(*, quick: bool, sentence: Any, path: Path | None) -> dict[str, Any]:
    """Measure, print the tables, draw the curves."""
    from interleave import progress

    rounds, panels, found = QUICK_ROUNDS if quick else ROUNDS, [], []
    for kind, (unit, points) in KINDS.items():
        series: dict[str, list[tuple[int, float]]] = {way: [] for way in WAYS[1:]}
        print(f"\n{kind}: bare in microseconds of CPU for one step, the others as ratios to it\n")
        print(f"{unit:>18}{'bare':>10}" + "".join(f"{way:>12}" for way in WAYS[1:]))
        for number in points[:: 2 if quick else 1]:
            progress(f"{kind}: {number}")
            times: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for way in WAYS:
                    times[way].append(shot(way, kind, number))
            ratios = {
                way: statistics.median(one / bare for one, bare in zip(times[way], times["bare"], strict=True))
                for way in WAYS[1:]
            }
            progress("")
            bare = 1e6 * statistics.median(times["bare"])
            print(f"{number:>18,}{bare:>10.2f}" + "".join(f"{ratios[way]:>12.2f}" for way in WAYS[1:]), flush=True)
            for way, ratio in ratios.items():
                series[way].append((number, ratio))
            found.append({"kind": kind, "number": number, "cpu": times, "ratios": ratios})
        panels.append({"title": kind, "unit": unit, "series": series})
    if path is not None:
        import picture

        picture.curves(panels, sentence(), path)
    return {"growth": found}


def shot(name: str, kind: str, number: int) -> float:
    """One measurement in a process of its own."""
    from ways import OURS, clean_environment

    way = next(way for way in OURS if way.name == name)
    run = subprocess.run(
        [way.python, *way.before, __file__, kind, str(number), str(SECONDS)],
        env=clean_environment(way.settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if run.returncode:
        sys.exit(f"bench: {kind} {number}, {name}, ended with status {run.returncode}:\n{run.stderr[-2000:]}")
    return float(json.loads(run.stdout.splitlines()[-1]))


if __name__ == "__main__":
    print(json.dumps(one_point(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
