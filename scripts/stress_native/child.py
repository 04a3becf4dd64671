"""One program under the watcher: native code that holds the GIL, ordinary Python between, and every dump looked at.

Prints its counts as JSON every second. `tight` makes the margins short, to have many dumps; `real` leaves them.
"""

from __future__ import annotations

import asyncio
import collections
import json
import os
import random
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import ordinary

import asyncwatch
from asyncwatch.frames import Frame
from asyncwatch.hooks import dumps, natives, pulse

HERE = os.path.abspath(__file__)
with open(HERE, encoding="utf-8") as source:
    NATIVE = {number for number, line in enumerate(source, 1) if line.rstrip().endswith("# native")}

counts: collections.Counter[str] = collections.Counter()
wrong: collections.Counter[str] = collections.Counter()
_take = dumps.DumpFile.take


def taken(self: Any) -> list[tuple[Frame, ...]]:
    """Every dump that was made, judged by its innermost line."""
    found = _take(self)
    for stack in found:
        counts["dumps"] += 1
        if stack[0].file != HERE or stack[0].line not in NATIVE:
            wrong[f"{os.path.basename(stack[0].file)}:{stack[0].line} in {stack[0].function}"] += 1
    return found


def adding(size: int) -> None:
    sum(range(size * 1000))  # native


def matching(size: int) -> None:
    re.match(".*".join("a" * 6) + "$", "a" * (8 + size // 25))  # native


def ordering(size: int) -> None:
    numbers = [random.random() for _ in range(1000)] * (size // 12)
    numbers.sort()  # native


def power(size: int) -> None:
    7 ** (size * 60)  # native


def calibrated(call: Callable[[int], None], seconds: float) -> int:
    """The size that takes so long."""
    size = 16
    while True:
        began = time.thread_time()
        call(size)
        if time.thread_time() - began >= seconds or size > 1 << 20:
            return size
        size = int(size * 1.3) + 1


async def main(end: float, blocks: list[tuple[Callable[[int], None], int]], slow: float) -> None:
    loop = asyncio.get_running_loop()
    loop.slow_callback_duration = slow
    while time.monotonic() < end:
        await asyncio.sleep(random.choice((0, 0, 0.001, 0.01)))
        call, size = random.choice(blocks)
        for _ in range(random.randrange(1, 12)):
            call(size)
            await asyncio.sleep(random.choice((0, 0.003, 0.005)))
        if random.random() < 0.3:
            await random.choice(ordinary.STEPS)()
        else:
            random.choice(ordinary.CALLS)()
        sys.setswitchinterval(random.choice((0.001, 0.005)))


def other_loop(end: float) -> None:
    """A loop in a thread of its own, mostly idle, that computes now and then."""

    async def work() -> None:
        while time.monotonic() < end:
            await asyncio.sleep(random.random() * 0.2)
            random.choice((ordinary.recursion, ordinary.brief_calls, ordinary.generators))()

    with asyncio.Runner() as runner:
        runner.run(work())


def report(watch: Any, **more: object) -> None:
    faults = [finding.event for finding in watch.findings if finding.rule.code == "AW001"]
    why = watch._hooks.looking._natives.why
    print(json.dumps({**counts, "wrong": wrong, "faults": faults, "why": why, **more}), flush=True)


def reports(watch: Any, over: threading.Event) -> None:
    """The counts so far: a process that crashes says no more."""
    while not over.wait(0.5):
        report(watch)


def run(kind: str, margins: str, seconds: float) -> None:
    long, slow = 0.25, 0.1
    if margins == "tight":
        # And it soon forgets that the machine was busy: it must be safe without that.
        natives.FLOOR, natives.GRACE, pulse.FORGET, long, slow = 0.004, 0.012, 0.3, 0.05, 0.004
        ordinary.scale = 0.5
    natives.BURST = 10**9
    # Those that answer signals are dumped by nobody, and are a minority.
    blocks = [(call, calibrated(call, long)) for call in (adding, matching, ordering, power)]
    blocks += 3 * [block for block in blocks if block[0] in (adding, ordering)]
    dumps.DumpFile.take = taken  # type: ignore[method-assign]
    factory: Any = asyncio.new_event_loop
    if kind == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    end = time.monotonic() + seconds
    with asyncwatch.watch("light", output=()) as watch:
        over = threading.Event()
        reporter = threading.Thread(target=reports, args=(watch, over), daemon=True)
        reporter.start()
        threading.Thread(target=other_loop, args=(end,), daemon=True).start()
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main(end, blocks, slow))
        watch.flush()
        over.set()
        reporter.join()
    report(watch, ended=True)  # the last line there is


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], float(sys.argv[3]))
