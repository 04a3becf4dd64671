"""Tasks wait long for an event that is set in the end."""

import asyncio

import _task


async def wait_for_it(ready):
    await ready.wait()


async def main():
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(wait_for_it(ready))
        await asyncio.sleep(2.5)
        ready.set()


_task.run(main())
