"""An eager task's first step runs inside create_task: the line is the task's, not its creator's."""
# needs: 3.12

import asyncio
import time

import _loop


async def eager():
    time.sleep(0.3)  # AW101
    await asyncio.sleep(0.01)


async def eager_well():
    time.sleep(0.005)
    await asyncio.sleep(0.2)


async def part():
    time.sleep(0.07)  # AW101


def charge():
    time.sleep(0.3)  # AW101


async def bulk():
    # Each task is done at once and none is slow; the step that starts them is.
    charge()
    await asyncio.sleep(0.05)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(part())
    await asyncio.sleep(0.05)


async def at_once():
    return 1


def eager_factory(loop, coro, eager_start=True, **kwargs):
    # asyncio.eager_task_factory refuses the keyword that some loops pass to every factory.
    return asyncio.Task(coro, loop=loop, eager_start=True, **kwargs)


async def main():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(eager_factory)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(eager_well())
            group.create_task(at_once())
    print(loop.get_task_factory() is eager_factory)
    await asyncio.create_task(eager())
    await asyncio.sleep(0.05)
    await bulk()


_loop.run(main())
