"""Loops with more ready work than they get done: no callback is slow, and everything waits."""

import asyncio
import time

import _loop


def render():
    time.sleep(0.02)  # AW103


async def many_callbacks():
    """Twenty-five callbacks of 20 ms in one turn."""
    loop = asyncio.get_running_loop()
    for _ in range(25):
        loop.call_soon(render)
    await asyncio.sleep(0.01)


async def many_callbacks_well():
    """The same work in a thread, or a few at a time with room between them."""
    for _ in range(5):
        await asyncio.to_thread(time.sleep, 0.02)
    for _ in range(5):
        time.sleep(0.005)
        await asyncio.sleep(0.005)


NUMBERS = [1] * 10_000


def tick(counts):
    counts["ticks"] += sum(NUMBERS)  # AW103


async def many_ready(counts):
    """Thousands of ready callbacks, each of some microseconds: half a second on any machine of today."""
    loop = asyncio.get_running_loop()
    for _ in range(30_000 if loop.get_debug() else 50_000):
        loop.call_soon(tick, counts)  # AW101?
    await asyncio.sleep(0.01)


async def rows(pace):
    for number in range(8):
        time.sleep(pace)  # AW103
        yield number


async def consume():
    """A `for` of short steps that gives control back to nobody but its like."""
    async for _ in rows(0.01):
        await asyncio.sleep(0)


async def consumers():
    await asyncio.gather(*(consume() for _ in range(20)))


async def consume_well():
    async for _ in rows(0):
        await asyncio.sleep(0)


async def main():
    counts = {"ticks": 0}
    await many_callbacks_well()
    await consume_well()
    await asyncio.sleep(0.1)
    await many_callbacks()
    await asyncio.sleep(0.1)
    await many_ready(counts)
    await asyncio.sleep(0.1)
    await consumers()
    await asyncio.sleep(0.1)
    print("ended")


_loop.run(main())
