"""The causes of AW101 under real conditions: a healthy program that gets no CPU is never told to be at fault."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from conftest import LOOPS, VICTIMS, clean_environment, run_watched

import asyncwatch
from asyncwatch.findings import Finding

SERVICE = VICTIMS / "causes" / "service.py"
each_loop = pytest.mark.parametrize("loop", LOOPS)
stops = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")


def blamed(findings: Iterable[Finding]) -> list[str]:
    return [f"{one.rule.code}: {one.event}" for one in findings if one.level != "info"]


def lines_of(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.read_text().splitlines() if line.startswith("{")]


@stops
@each_loop
@pytest.mark.parametrize("what", ["idle", "healthy"])
def test_a_stopped_program_is_not_blamed(loop: str, what: str, tmp_path: Path) -> None:
    """Stopped and continued at random moments, for longer than a hang takes to be one, a healthy program is silent."""
    output = tmp_path / "findings.jsonl"
    own = ["-m", "asyncwatch", "--profile", "light", "--hang-after", "0.5", "--format", "json", "--output", str(output)]
    command = [sys.executable, *own, str(SERVICE), loop, "3", what]
    with subprocess.Popen(command, env=clean_environment(), stderr=subprocess.PIPE, text=True) as running:
        time.sleep(1)
        for length in (0.2, 0.7, 0.4):
            time.sleep(random.uniform(0.05, 0.3))
            running.send_signal(signal.SIGSTOP)
            time.sleep(length)
            running.send_signal(signal.SIGCONT)
        _, err = running.communicate(timeout=30)
    said = lines_of(output)
    assert running.returncode == 0, err
    assert said[-1]["code"] == "AW099"
    assert [line["event"] for line in said if line["level"] != "info"] == []


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(200))


@pytest.mark.alone
@pytest.mark.parametrize("count", [1, 4])
def test_threads_that_compute_are_not_the_loops_fault(count: int) -> None:
    """Steps of a few milliseconds that take turns with computing threads for the GIL are no slow callbacks."""
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    async def worker(seconds: float) -> None:
        while not stop.is_set():
            compute(seconds)
            await asyncio.sleep(0.05)

    async def main() -> None:
        asyncio.get_running_loop().call_later(2, stop.set)
        await asyncio.gather(*map(worker, (0.001, 0.005, 0.01)), *(asyncio.to_thread(spin) for _ in range(count)))

    with asyncwatch.watch(output=()) as watch:
        asyncio.run(main())
        watch.flush()
    assert blamed(watch.findings) == []


def cycles(count: int) -> None:
    for _ in range(count):
        cycle: list[Any] = []
        cycle.append(cycle)


def test_a_collection_is_told_as_it_was() -> None:
    """The evidence has the generation and the count that the collector itself gave, and the level is info."""
    runs: list[tuple[int, int]] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["collected"] > 100_000:
            runs.append((info["generation"], info["collected"]))

    async def main() -> None:
        await asyncio.sleep(0.1)
        gc.enable()
        rows = [[] for _ in range(5_000)]  # type: ignore[var-annotated]
        await asyncio.sleep(0.1)
        assert rows

    gc.collect()
    gc.disable()
    gc.callbacks.append(note)
    try:
        with asyncwatch.watch(output=(), slow_callback_duration=0.05) as watch:
            cycles(1_500_000)
            asyncio.run(main())
            watch.flush()
    finally:
        gc.callbacks.remove(note)
        gc.enable()
    assert blamed(watch.findings) == []
    found = [one.evidence["gc"] for one in watch.findings if one.evidence.get("cause") == "gc"]
    assert [(one["generation"], one["collected"]) for one in found[:1]] == runs[:1]


CLOCKS = """
import asyncio, sys, time
real = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter")}
def change(jump):
    for name, function in real.items():
        setattr(time, name, lambda function=function: function() + jump)
async def main():
    for jump in (3600.0, -3600.0, 0.0, 1e9):
        change(jump)
        for _ in range(5):
            asyncio.get_running_loop().call_soon(int)
            await asyncio.sleep(0)
        end = real["monotonic"]() + 0.2
        while real["monotonic"]() < end:
            await asyncio.sleep(0)
    change(0.0)
    for name in real:
        setattr(time, name, lambda: 12345.0)
    for _ in range(1000):
        await asyncio.sleep(0)
    began = real["monotonic"]()
    import select; select.select([], [], [], 0.3)  # the one that holds the loop
    change(0.0)
    await asyncio.sleep(0.1)
if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


@each_loop
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_a_program_may_change_its_clocks(
    loop: str, profile: str, program: Callable[[str], Path], tmp_path: Path
) -> None:
    """Clocks that jump or stand still inside the program neither break the watch nor make a finding, nor hide one."""
    run = run_watched(program(CLOCKS), loop, folder=tmp_path, profile=profile)
    assert run.status == 0, run.err
    assert run.lines[-1]["code"] == "AW099"
    told = [line for line in run.lines if line["level"] != "info"]
    assert [(line["code"], line["evidence"]["cause"]) for line in told] == [("AW101", "code")]
    assert 0.25 < told[0]["evidence"]["duration"] < 1
