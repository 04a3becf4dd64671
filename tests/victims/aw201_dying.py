"""Dropped tasks that are still pending when asyncio.run() ends, though younger than half a second; and held ones."""

import asyncio

import _loop


async def work():
    await asyncio.sleep(30)


async def main():
    asyncio.create_task(work())  # AW201
    asyncio.create_task(asyncio.sleep(0.01))
    worker = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    print("ended")


_loop.run(main())
