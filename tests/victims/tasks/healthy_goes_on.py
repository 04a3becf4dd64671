"""Timeouts and failures of task groups cancel a task for a moment, and then it goes on for long."""

import asyncio
import contextlib

import _task


async def fail():
    await asyncio.sleep(0.1)
    raise ConnectionError("database is away")


async def after_timeouts():
    for seconds in (0.1, 1.2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5), asyncio.timeout(seconds):
                await asyncio.sleep(_task.FOR_EVER)
    await asyncio.sleep(1.2)


async def after_groups():
    try:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(asyncio.sleep(0.1))
            async with asyncio.TaskGroup() as inner:
                inner.create_task(fail())
                await asyncio.sleep(_task.FOR_EVER)
    except* ConnectionError:
        pass
    await asyncio.sleep(2.2)


async def main():
    await asyncio.gather(after_timeouts(), after_groups())


_task.run(main())
