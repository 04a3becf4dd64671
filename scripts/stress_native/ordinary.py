"""Ordinary Python of many kinds: none of it may ever be dumped from outside, however badly the watcher fares."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import io
import os
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

# Short margins are overrun in a shorter time.
scale = 1.0


def until(seconds: float) -> Iterator[int]:
    """Numbers, until that much time is over."""
    end, number = time.monotonic() + seconds * scale, 0
    while time.monotonic() < end:
        yield number
        number += 1


def burn(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def recursion() -> None:
    def down(depth: int) -> int:
        return down(depth - 1) + 1 if depth else 0

    for _ in until(0.06):
        down(random.randrange(10, 600))


def exceptions() -> None:
    def fail(depth: int) -> None:
        try:
            if not depth:
                raise ValueError(depth)
            fail(depth - 1)
        finally:
            str(depth)

    for _ in until(0.06):
        with contextlib.suppress(ValueError):
            fail(20)


def generators() -> None:
    def tree(depth: int) -> Iterator[int]:
        if depth:
            yield from tree(depth - 1)
            yield depth
            yield from tree(depth - 1)

    for _ in until(0.06):
        sum(tree(7))
        [x for x in (y for y in range(50)) if x % 3]


def frames() -> None:
    class Item:
        def __init__(self, value: int) -> None:
            self._value = value

        @property
        def value(self) -> int:
            return self._value

        def __lt__(self, other: Item) -> bool:
            return self.value < other.value

    for _ in until(0.06):
        items = sorted(Item(random.randrange(100)) for _ in range(30))
        functools.reduce(lambda total, item: total + item.value, items, 0)
        str(sys._getframe().f_back)


def tracing() -> None:
    """A tracer set and taken away again and again."""
    old = sys.gettrace()
    for _ in until(0.03):
        sys.settrace(lambda frame, event, arg: None)
        str(exceptions.__name__).upper()
        sys.settrace(old)


def collecting() -> None:
    for _ in until(0.04):
        cycle: list[object] = []
        cycle.append(cycle)
        gc.collect(0)


def short_threads() -> None:
    for _ in until(0.04):
        thread = threading.Thread(target=burn, args=(0.0005,))
        thread.start()
        thread.join()


def gil_rivals() -> None:
    """Threads that want the GIL all the time."""
    rivals = [threading.Thread(target=burn, args=(0.1 * scale,)) for _ in range(random.randrange(1, 5))]
    for rival in rivals:
        rival.start()
    burn(0.1 * scale)
    for rival in rivals:
        rival.join()


def brief_calls() -> None:
    """Who gives the GIL away for a few microseconds every other millisecond keeps it from those who wait for it.

    They are woken each time, come too late, and begin to wait anew before they have asked for it to be given up.
    """
    spacing = random.choice((0.0003, 0.001, 0.002, 0.003, 0.0045))
    for _ in until(random.choice((0.1, 0.3))):
        burn(spacing)
        os.stat("/")


def brief_writes() -> None:
    spacing = random.choice((0.001, 0.003))
    with open(os.devnull, "wb", buffering=0) as file:
        for _ in until(0.2):
            io.StringIO(f"{spacing}").read()
            burn(spacing)
            file.write(b"x")


def switch_interval() -> None:
    sys.setswitchinterval(random.choice((0.0001, 0.001, 0.005, 0.005, 0.02)))


async def short_turns() -> None:
    """The same done by the loop itself, which looks for events after each turn without waiting."""
    spacing = random.choice((0.0005, 0.001, 0.003))
    for _ in until(0.3):
        burn(spacing)
        await asyncio.sleep(0)


async def tasks() -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(200):
            group.create_task(asyncio.sleep(0))


CALLS: list[Callable[[], None]] = [
    recursion, exceptions, generators, frames, tracing, collecting, short_threads, gil_rivals,
    brief_calls, brief_calls, brief_writes, switch_interval,
]  # fmt: skip
STEPS: list[Callable[[], Awaitable[None]]] = [short_turns, tasks]
