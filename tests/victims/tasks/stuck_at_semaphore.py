"""A task waits for a semaphore whose last permit was never given back."""

import asyncio

import _task


async def take(permits):
    await permits.acquire()
    await asyncio.sleep(_task.FOR_EVER)


async def fetch(permits):
    async with permits:  # AW206
        pass


async def main():
    permits = asyncio.Semaphore(2)
    tasks = [asyncio.create_task(take(permits)), asyncio.create_task(take(permits))]
    await asyncio.sleep(0.05)
    tasks.append(asyncio.create_task(fetch(permits)))
    await _task.look_on()
    return tasks


_task.run(main())
