"""A task group that waits long for its children."""

import asyncio

import _task


async def fetch(seconds):
    await asyncio.sleep(seconds)


async def request():
    async with asyncio.TaskGroup() as group:
        group.create_task(fetch(_task.LONG))
        for _ in range(3):
            group.create_task(fetch(0.3))


async def main():
    await request()
    await asyncio.create_task(request())


_task.run(main())
