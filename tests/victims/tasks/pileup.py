"""A task for each tick, and none of them ends."""

import asyncio

import _task

running = set()


async def handle():
    await asyncio.sleep(_task.FOR_EVER)


async def main():
    for _ in range(400):
        task = asyncio.create_task(handle())  # AW208
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.sleep(0.01)


_task.run(main())
