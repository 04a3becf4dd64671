"""Eager tasks, of which some end before they are ever suspended."""
# needs: 3.12

import asyncio

import _task


async def fetch(seconds):
    if seconds:
        await asyncio.sleep(seconds)
    return seconds


# Not asyncio's own: uvloop gives it an argument that those of some versions do not know.
def eager(loop, coro, *, name=None, context=None, eager_start=True):
    return asyncio.Task(coro, loop=loop, name=name, context=context, eager_start=True)


async def main():
    asyncio.get_running_loop().set_task_factory(eager)
    for _ in range(8):
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(fetch(0.1 * number))
    await asyncio.gather(fetch(0), fetch(0.2))


_task.run(main())
