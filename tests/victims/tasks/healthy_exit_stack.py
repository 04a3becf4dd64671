"""Tasks that only an exit stack holds, which cancels them and awaits them."""

import asyncio
import contextlib

import _task


async def poll():
    while True:
        await asyncio.sleep(0.1)


async def end(task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def main():
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            stack.push_async_callback(end, asyncio.create_task(poll()))
        await asyncio.sleep(2.5)


_task.run(main())
