"""A child fails, its group cancels the others and the caller handles the failure."""

import asyncio

import _task


async def save():
    await asyncio.sleep(1.2)
    raise ConnectionError("database is away")


async def main():
    for _ in range(2):
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(save())
                group.create_task(asyncio.sleep(_task.FOR_EVER))
        except* ConnectionError:
            pass


_task.run(main())
