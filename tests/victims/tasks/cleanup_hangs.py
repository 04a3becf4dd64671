"""A cancelled task hangs in the cleanup of its finally."""

import asyncio

import _task


async def serve():
    try:
        await asyncio.sleep(_task.FOR_EVER)
    finally:
        await asyncio.sleep(_task.FOR_EVER)  # AW209


async def main():
    task = asyncio.create_task(serve())
    await asyncio.sleep(0.2)
    task.cancel()
    await _task.look_on()


_task.run(main())
