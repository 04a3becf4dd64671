"""A semaphore limits how many work at once."""

import asyncio

import _task


async def fetch(permits):
    async with permits:
        await asyncio.sleep(0.1)


async def main():
    for _ in range(4):
        permits = asyncio.Semaphore(4)
        await asyncio.gather(*(fetch(permits) for _ in range(24)))


_task.run(main())
