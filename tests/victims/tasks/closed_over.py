"""A loop is closed over a pending task."""

import asyncio

import _task

workers = []


async def worker():
    while True:
        await asyncio.sleep(0.1)


async def main():
    workers.append(asyncio.create_task(worker()))  # AW205 AW203?
    await _task.look_on()


loop = _task.factory()
loop.run_until_complete(main())
loop.close()
_task.ended()
