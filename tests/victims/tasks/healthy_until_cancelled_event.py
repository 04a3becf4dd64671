"""A task that waits until it is cancelled, at an event of its own that has a name."""

import asyncio
import contextlib

import _task


async def keep_open(connection):
    never = asyncio.Event()
    try:
        await never.wait()
    finally:
        connection.clear()


async def main():
    connection = {"open": True}
    task = asyncio.create_task(keep_open(connection))
    await asyncio.sleep(2.7)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


_task.run(main())
