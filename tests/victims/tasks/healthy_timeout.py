"""asyncio.timeout around a long wait for a future and for a lock."""

import asyncio
import contextlib

import _task


async def receive(seconds):
    reply = asyncio.get_running_loop().create_future()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await reply


async def charge(lock, seconds):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), lock:
            pass


async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    await asyncio.gather(receive(2.7), charge(lock, 2.6))
    lock.release()


_task.run(main())
