"""Five thousand tasks that drain, thousands of short callbacks in a row: busy, and healthy."""

import asyncio
import time

import _loop


async def one(gate, number):
    async with gate:
        await asyncio.sleep(0.01)
    return number


async def short(number):
    await asyncio.sleep(0)
    time.sleep(0.0003)


async def main():
    gate = asyncio.Semaphore(500)
    total = 0
    for batch in range(10):
        tasks = []
        for number in range(500):
            tasks.append(asyncio.create_task(one(gate, number)))
            if number % 50 == 0:
                await asyncio.sleep(0)
        for task in tasks:
            total += await task
    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(short(number))
    print(total)


_loop.run(main())
