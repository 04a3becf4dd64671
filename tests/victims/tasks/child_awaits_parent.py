"""A child in a task group awaits its parent."""

import asyncio

import _task


async def child(parent):
    # Without the shield the child could not even be cancelled, and the program would not end.
    await asyncio.shield(parent)  # AW207


async def request():
    async with asyncio.TaskGroup() as group:  # AW207?
        group.create_task(child(asyncio.current_task()))


async def main():
    task = asyncio.create_task(request())
    await _task.look_on()
    return task


_task.run(main())
