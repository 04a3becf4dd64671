"""run_until_complete returns with the first of two tasks, and the loop is closed over the other."""

import asyncio

import _task


async def fetch(seconds):
    await asyncio.sleep(seconds)


async def first_of_two():
    fast = asyncio.create_task(fetch(2.5))
    slow = asyncio.create_task(fetch(_task.FOR_EVER))  # AW205 AW203?
    await asyncio.wait({fast, slow}, return_when=asyncio.FIRST_COMPLETED)


loop = _task.factory()
loop.run_until_complete(first_of_two())
loop.close()
_task.ended()
