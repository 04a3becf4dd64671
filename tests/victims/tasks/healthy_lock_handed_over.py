"""A lock that one task takes and another gives back, while a third waits for it with a timeout."""

import asyncio

import _task


async def take(lock):
    await lock.acquire()


async def give_back(lock):
    await asyncio.sleep(2.5)
    lock.release()


async def charge(lock):
    async with asyncio.timeout(10), lock:
        pass


async def main():
    lock = asyncio.Lock()
    await asyncio.create_task(take(lock))
    await asyncio.gather(charge(lock), give_back(lock))


_task.run(main())
