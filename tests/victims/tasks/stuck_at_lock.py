"""A task waits for a lock whose holder sleeps for ever."""

import asyncio

import _task


async def hold(lock):
    async with lock:
        await asyncio.sleep(_task.FOR_EVER)


async def charge(lock):
    async with lock:  # AW206
        pass


async def main():
    lock = asyncio.Lock()
    tasks = [asyncio.create_task(hold(lock)), asyncio.create_task(charge(lock))]
    await _task.look_on()
    return tasks


_task.run(main())
