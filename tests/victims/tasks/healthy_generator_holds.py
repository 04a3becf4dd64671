"""A subscription: an async generator holds the task that feeds it, and ends it."""

import asyncio
import contextlib

import _task


async def feed(queue):
    for number in range(100):
        await asyncio.sleep(1.2)
        queue.put_nowait(number)


async def subscribe():
    queue = asyncio.Queue()
    task = asyncio.create_task(feed(queue))
    try:
        while True:
            yield await queue.get()
    finally:
        task.cancel()


async def main():
    async with contextlib.aclosing(subscribe()) as numbers:
        async for number in numbers:
            if number == 1:
                break


_task.run(main())
