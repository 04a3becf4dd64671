"""A task that nobody holds fails."""

import asyncio

import _task


async def save():
    await asyncio.sleep(0.05)
    raise ConnectionError("database is away")


async def main():
    asyncio.create_task(save())  # AW204
    await _task.look_on()


_task.run(main())
