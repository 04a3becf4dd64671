"""Python code that computes in the loop's thread, and the same work cut into slices or sent to a thread."""

import asyncio
import time

import _loop


def crunch(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def report():
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end: pass  # AW101


class Matrix:
    size = 0

    def solve(self, depth, end):
        if depth:
            return self.solve(depth - 1, end)
        while time.perf_counter() < end: self.size += 1  # AW101


async def solve():
    Matrix().solve(300, time.perf_counter() + 0.3)


async def sliced():
    for _ in range(15):
        crunch(0.02)
        await asyncio.sleep(0)


async def threaded():
    # A thread that never waits takes the GIL away from the loop, 5 ms at a time: nobody's callback is slow.
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(crunch, 0.3))
        group.create_task(often())


async def often():
    for _ in range(20):
        await asyncio.sleep(0.01)


async def main():
    await sliced()
    await threaded()
    await report()
    await asyncio.sleep(0.06)
    await solve()
    await asyncio.sleep(0.06)
    print("ended")


_loop.run(main())
