"""gather, of coroutines and of tasks."""

import asyncio

import _task


async def fetch(seconds):
    await asyncio.sleep(seconds)
    return seconds


async def main():
    await asyncio.gather(fetch(0.1), fetch(_task.LONG), asyncio.create_task(fetch(0.3)))
    tasks = [asyncio.create_task(fetch(0.1 * number)) for number in range(12)]
    await asyncio.gather(*tasks)


_task.run(main())
