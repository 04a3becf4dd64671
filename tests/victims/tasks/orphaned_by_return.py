"""A request returns before the task that it created."""

import asyncio

import _task


async def refresh():
    await asyncio.sleep(_task.FOR_EVER)


async def request():
    task = asyncio.create_task(refresh())  # AW202
    await asyncio.sleep(0.05)
    return task.get_name()


async def main():
    await asyncio.create_task(request())
    await _task.look_on()


_task.run(main())
