"""What does not depend on a workload: idling, starting, memory, a flood of findings. Each beside its budget."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from interleave import progress
from table import judge
from ways import WATCH, clean_environment

LIGHT = (*WATCH, "light")

IDLE = """
import asyncio, os, sys, time
def switches():
    found = 0
    for task in os.listdir("/proc/self/task"):
        for line in open(f"/proc/self/task/{task}/status"):
            if line.startswith("voluntary"):
                found += int(line.split()[1])
    return found
async def main(seconds):
    await asyncio.sleep(1)
    cpu, before = time.process_time(), switches()
    await asyncio.sleep(seconds)
    print((time.process_time() - cpu) / seconds, (switches() - before) / seconds)
asyncio.run(main(float(sys.argv[1])))
"""
START = "import asyncio\nasync def main(): pass\nasyncio.run(main())\n"
# What a live task costs: all memory that its creation left behind, with a watcher and without.
MEMORY = """
import asyncio, gc, sys
async def main(number):
    event = asyncio.Event()
    tasks = []
    def resident():
        gc.collect()
        return int(open("/proc/self/statm").read().split()[1]) * 4096
    async def wait():
        await event.wait()
    async def make(count):
        for start in range(0, count, 500):
            tasks.extend([asyncio.create_task(wait(), name="t") for _ in range(500)])
            await asyncio.sleep(0.03)
    await make(2000)
    before = resident()
    await make(number)
    young = resident()
    await asyncio.sleep(1.5)
    old = resident()
    event.set()
    await asyncio.wait(tasks)
    print((young - before) / number, (old - before) / number)
asyncio.run(main(int(sys.argv[1])))
"""
# Whether it stays flat over many tasks, one after the other.
FLAT = """
import asyncio, gc, sys
async def nothing():
    pass
async def main(number):
    def resident():
        gc.collect()
        return int(open("/proc/self/statm").read().split()[1]) * 4096
    async def run(count):
        for start in range(0, count, 200):
            await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(200)])
    await run(number // 5)
    before = resident()
    await run(number)
    await asyncio.sleep(1)
    print((resident() - before) / 2**20)
asyncio.run(main(int(sys.argv[1])))
"""
FLOODS = {
    "never awaited": "forgotten()",
    "callback failed": "loop.call_exception_handler({'message': 'flood', 'exception': ERROR})",
}
FLOOD = """
import asyncio, sys, time
ERROR = ValueError("flood")
async def forgotten():
    pass
async def main(seconds):
    loop = asyncio.get_running_loop()
    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * 4096
    def some():
        for _ in range(200):
            STATEMENT
    # As in a program that counts what it hears and prints nothing: what a terminal takes is not measured.
    loop.set_exception_handler(lambda loop, context: None)
    end, done, before, cpu = time.monotonic() + seconds, 0, 0, time.process_time()
    while time.monotonic() < end:
        some()
        done += 200
        await asyncio.sleep(0)
        if not before and time.monotonic() > end - seconds / 2:
            before = resident()
    print((time.process_time() - cpu) / done, (resident() - before) / 2**20)
asyncio.run(main(float(sys.argv[1])))
"""


def main(*, quick: bool) -> dict[str, Any]:
    """Measure and print all of them."""
    with tempfile.TemporaryDirectory() as folder:
        programs = {"idle": IDLE, "start": START, "memory": MEMORY, "flat": FLAT}
        programs |= {name: FLOOD.replace("STATEMENT", call) for name, call in FLOODS.items()}
        for name, text in programs.items():
            Path(folder, name.replace(" ", "_") + ".py").write_text(text)
        os.chdir(folder)
        return {**idle(quick), **start(quick), **memory(quick), **floods(quick)}


def run(before: tuple[str, ...], name: str, *arguments: object) -> list[float]:
    progress(f"{name} {' '.join(before[-1:])}")
    done = subprocess.run(
        [sys.executable, *before, name.replace(" ", "_") + ".py", *map(str, arguments)],
        env=clean_environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    progress("")
    if done.returncode:
        sys.exit(f"bench: {name} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return [float(word) for word in done.stdout.split()]


def idle(quick: bool) -> dict[str, Any]:
    bare, light = (run(before, "idle", 5 if quick else 20) for before in ((), LIGHT))
    judge("idle, light: % of a core", 100 * light[0], 0.5)
    judge("idle, light: wake-ups a second", light[1], 50)
    return {"idle": {"bare": bare, "light": light}}


def start(quick: bool) -> dict[str, Any]:
    found: dict[str, list[float]] = {"bare": [], "light": []}
    for _ in range(7 if quick else 25):
        for name, before in (("bare", ()), ("light", LIGHT)):
            began = time.monotonic()
            cpu = sum(os.times()[2:4])
            run(before, "start")
            found[name].append(time.monotonic() - began)
            found.setdefault(f"{name} CPU", []).append(sum(os.times()[2:4]) - cpu)
    added = statistics.median(a - b for a, b in zip(found["light"], found["bare"], strict=True))
    cpu = statistics.median(a - b for a, b in zip(found["light CPU"], found["bare CPU"], strict=True))
    judge("start to end of a program of nothing, light adds ms", 1000 * added, 60)
    print(f"       ({1000 * cpu:.0f} ms of CPU)")
    return {"start": found}


def memory(quick: bool) -> dict[str, Any]:
    number = 20_000 if quick else 100_000
    bare, light = (run(before, "memory", number) for before in ((), LIGHT))
    judge("memory of a new task, light adds bytes", light[0] - bare[0], 200)
    judge("memory of a task a second old, light adds bytes", light[1] - bare[1], 200)
    million = 100_000 if quick else 1_000_000
    ours, theirs = run(LIGHT, "flat", million), run((), "flat", million)
    judge(f"growth over {million:,} tasks, light adds MiB", ours[0] - theirs[0], 1)
    return {"memory": {"bare": bare, "light": light}, "flat": {"bare": theirs, "light": ours}}


def floods(quick: bool) -> dict[str, Any]:
    found = {}
    for name in FLOODS:
        bare, light = (run(before, name, 2 if quick else 8) for before in ((), LIGHT))
        found[name] = {"bare": bare, "light": light}
        judge(f"flood of {1 / light[0]:,.0f}/s {name!r}: CPU over bare ({1 / bare[0]:,.0f}/s)", light[0] / bare[0], 2)
        judge(f"flood of {name!r}: MiB grown", light[1] - bare[1], 1)
    return {"floods": found}
