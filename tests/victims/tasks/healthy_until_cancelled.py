"""A task that keeps a connection open until it is cancelled: it awaits a future that nobody sets."""

import asyncio
import contextlib

import _task


async def keep_open(connection):
    try:
        await asyncio.get_running_loop().create_future()
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
