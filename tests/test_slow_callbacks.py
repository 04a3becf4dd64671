"""What AW101 says besides its line: the thread, the shares, the library's frames, each process after a fork."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from conftest import SRC, VICTIMS, run_watched

import asyncwatch
from asyncwatch.findings import Finding

LOOPS: list[Callable[[], Any]] = [asyncio.new_event_loop]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)
each_loop = pytest.mark.parametrize("factory", LOOPS, ids=lambda factory: factory.__module__)
each_profile = pytest.mark.parametrize("profile", ["light", "debug"])


def run(factory: Callable[[], Any], coro: Coroutine[Any, Any, Any]) -> None:
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(coro)


def slow(watch: asyncwatch.Watch) -> list[Finding]:
    watch.flush()
    return [one for one in watch.findings if one.rule.code == "AW101"]


@each_loop
@each_profile
def test_each_loop_has_its_own_threads_name(factory: Callable[[], Any], profile: str) -> None:
    """A stall is reported under the name of the thread whose loop it held, and no other thread's loop is blamed."""

    async def stall(blocks: Callable[[], None]) -> None:
        await asyncio.sleep(0.05)
        blocks()
        await asyncio.sleep(0.05)

    # Three lines, so that each has a finding of its own.
    blocks = {
        "north": lambda: time.sleep(0.25),
        "south": lambda: time.sleep(0.25),
        "west": lambda: time.sleep(0.25),
    }
    with asyncwatch.watch(output=(), profile=profile) as watch:
        threads = [
            threading.Thread(target=lambda one=one: run(factory, stall(one)), name=name) for name, one in blocks.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        said = {one.where.line: one.loop for one in slow(watch) if one.where and one.loop}
    lines = {one.__code__.co_firstlineno: name for name, one in blocks.items()}
    assert {line: loop.thread for line, loop in said.items()} == lines
    assert len({loop.number for loop in said.values()}) == 3


@each_loop
@each_profile
def test_a_step_in_several_places_has_their_shares(factory: Callable[[], Any], profile: str) -> None:
    """The share of each line is its part of the time that really elapsed, and the line with most of it is named."""
    elapsed: dict[int, float] = {}

    parts = (
        lambda: time.sleep(0.15),
        lambda: time.sleep(0.3),
        lambda: time.sleep(0.2),
    )

    async def main() -> None:
        await asyncio.sleep(0.05)
        for part in parts:
            began = time.monotonic()
            part()
            elapsed[part.__code__.co_firstlineno] = time.monotonic() - began
        await asyncio.sleep(0.05)

    with asyncwatch.watch(output=(), profile=profile) as watch:
        run(factory, main())
        (finding,) = slow(watch)
    shares = {row["line"]: row["share"] for row in finding.evidence["lines"]}
    whole = sum(elapsed.values())
    assert shares == pytest.approx({line: part / whole for line, part in elapsed.items()}, abs=0.2)
    assert finding.where is not None
    assert finding.where.line == max(elapsed, key=elapsed.__getitem__)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@each_loop
@each_profile
def test_the_librarys_frames_stay_in_the_stack(factory: Callable[[], Any], profile: str) -> None:
    """The application's line comes first, the library's frames that it called stand below it in the stack."""

    def take(source: queue.Queue[None]) -> None:
        with pytest.raises(queue.Empty):
            source.get(timeout=0.25)

    async def main() -> None:
        await asyncio.sleep(0.05)
        take(queue.Queue())
        await asyncio.sleep(0.05)

    with asyncwatch.watch(output=(), profile=profile) as watch:
        run(factory, main())
        (finding,) = slow(watch)
    assert finding.where is not None
    assert (finding.where.file, finding.where.function) == (__file__, "take")
    assert [frame.function for frame in finding.stack][:2] == ["main", "take"]
    below = finding.stack[finding.stack.index(finding.where) + 1 :]
    assert [Path(frame.file).name for frame in below] == ["queue.py", "threading.py"]


@each_loop
@each_profile
def test_every_stall_of_some_milliseconds_is_counted(factory: Callable[[], Any], profile: str) -> None:
    """With a threshold of milliseconds each of several stalls is seen, and a step far below it never is."""
    stalls = 6

    def block() -> None:
        time.sleep(0.04)

    def brief() -> None:
        time.sleep(0.0005)

    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0.01
        for _ in range(stalls):
            await asyncio.sleep(0.02)
            block()
            await asyncio.sleep(0.01)
            brief()
        await asyncio.sleep(0.03)

    with asyncwatch.watch(output=(), profile=profile) as watch:
        run(factory, main())
        found = slow(watch)
        totals = watch.totals()
    # With so short a threshold a busy machine makes any step a long one; then it is what is said, and nobody's fault.
    blamed = [one for one in found if one.level != "info" and one.where and one.where.file == __file__]
    assert {one.where.function for one in blamed if one.where} == {"block"}
    assert {one.evidence["threshold"] for one in found} == {0.01}
    # A watcher that got no CPU for half a stall may not have seen it at all.
    if totals["watcher_late"] < 0.02:
        assert totals["findings"]["AW101"] + totals.get("unexplained_pauses", 0) >= stalls


FORKS = """
import asyncio, os, time, _loop

def in_child():
    time.sleep(0.3)

def around_the_fork():
    time.sleep(0.15)
    pid = os.fork()
    if not pid:
        asyncio._set_running_loop(None)
        _loop.run(child())
        os._exit(0)
    time.sleep(0.15)
    return pid

def afterwards():
    time.sleep(0.3)

async def child():
    await asyncio.sleep(0.02)
    in_child()
    await asyncio.sleep(0.1)

async def main():
    await asyncio.sleep(0.05)
    print("parent", os.getpid(), flush=True)
    print("child", around_the_fork(), flush=True)
    await asyncio.sleep(0.05)
    afterwards()
    await asyncio.sleep(0.05)
    os.wait()

_loop.run(main())
"""


@each_loop
@each_profile
def test_a_fork_in_the_middle_of_a_stall(
    program: Any, tmp_path: Path, factory: Callable[[], Any], profile: str
) -> None:
    """Parent and child each report their own stalls under their own pid, also the one that stood around the fork."""
    kind = factory.__module__.split(".")[0]
    path = f"{SRC}{os.pathsep}{VICTIMS}"
    done = run_watched(program(FORKS), kind, folder=tmp_path, profile=profile, PYTHONPATH=path)
    assert done.status == 0, done.err
    pids = {name: int(pid) for name, pid in (line.split() for line in done.out.splitlines())}
    said = {(line["pid"], line["where"]["function"]) for line in done.lines if line["code"] == "AW101"}
    parents, childs = pids["parent"], pids["child"]
    assert said == {(parents, "around_the_fork"), (parents, "afterwards"), (childs, "in_child")}
