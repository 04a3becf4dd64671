"""A background task fails, and its callback asks for the exception."""

import asyncio

import _task

background = set()
failures = []


async def save():
    await asyncio.sleep(0.05)
    raise ConnectionError("database is away")


def finished(task):
    background.discard(task)
    if not task.cancelled() and task.exception():
        failures.append(task.exception())


async def main():
    for _ in range(3):
        task = asyncio.create_task(save())
        background.add(task)
        task.add_done_callback(finished)
    del task
    await _task.look_on()
    assert len(failures) == 3


_task.run(main())
