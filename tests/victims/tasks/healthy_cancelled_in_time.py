"""A cancelled task cleans up, and is done within the grace."""

import asyncio
import contextlib

import _task


async def serve():
    try:
        await asyncio.sleep(_task.FOR_EVER)
    finally:
        await asyncio.sleep(0.1)


async def main():
    for _ in range(3):
        task = asyncio.create_task(serve())
        await asyncio.sleep(0.7)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


_task.run(main())
