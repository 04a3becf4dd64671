"""A worker is still running when asyncio.run ends."""

import asyncio

import _task

workers = []


async def worker():
    while True:
        await asyncio.sleep(0.1)


async def main():
    workers.append(asyncio.create_task(worker()))  # AW205
    await _task.look_on()


_task.run(main())
