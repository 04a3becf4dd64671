"""as_completed over coroutines."""

import asyncio

import _task


async def fetch(seconds):
    await asyncio.sleep(seconds)
    return seconds


async def main():
    total = 0
    for one in asyncio.as_completed([fetch(0.1), fetch(1.4), fetch(2.8)]):
        total += await one
    assert total > 4


_task.run(main())
