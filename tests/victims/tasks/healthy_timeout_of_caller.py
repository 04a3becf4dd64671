"""The timeout around a long wait stands in the task that waits for the waiting task."""

import asyncio
import contextlib

import _task


async def receive():
    await asyncio.get_running_loop().create_future()


async def request():
    async with asyncio.TaskGroup() as group:
        group.create_task(receive())


async def main():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2.8):
            await asyncio.create_task(request())


_task.run(main())
