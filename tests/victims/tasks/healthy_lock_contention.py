"""Many tasks want one lock, and each gets it soon."""

import asyncio

import _task


async def charge(lock):
    for _ in range(5):
        async with lock:
            await asyncio.sleep(0.05)


async def main():
    lock = asyncio.Lock()
    await asyncio.gather(*(charge(lock) for _ in range(10)))


_task.run(main())
