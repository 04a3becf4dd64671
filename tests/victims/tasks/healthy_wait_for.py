"""wait_for that comes in time, and one that does not."""

import asyncio
import contextlib

import _task


async def fetch(seconds):
    await asyncio.sleep(seconds)


async def main():
    await asyncio.wait_for(fetch(1.3), 5)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(fetch(_task.FOR_EVER), 1.4)


_task.run(main())
