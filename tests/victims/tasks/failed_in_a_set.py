"""A task in a set of background tasks fails, and its callback only discards it."""

import asyncio

import _task

background = set()


async def save():
    await asyncio.sleep(0.05)
    raise ConnectionError("database is away")


async def main():
    task = asyncio.create_task(save())  # AW204
    background.add(task)
    task.add_done_callback(background.discard)
    del task
    await _task.look_on()


_task.run(main())
