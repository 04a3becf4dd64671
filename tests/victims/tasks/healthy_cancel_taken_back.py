"""A cancellation that its receiver takes back with uncancel()."""

import asyncio

import _task


async def work():
    try:
        await asyncio.sleep(_task.FOR_EVER)
    except asyncio.CancelledError:
        asyncio.current_task().uncancel()
    await asyncio.sleep(2)


async def main():
    task = asyncio.create_task(work())
    await asyncio.sleep(0.5)
    task.cancel()
    await task


_task.run(main())
