"""Tasks take two locks, always in the same order."""

import asyncio

import _task


async def transfer(first, second):
    for _ in range(12):
        async with first:
            await asyncio.sleep(0)
            async with second:
                await asyncio.sleep(0.05)


async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(*(transfer(one, other) for _ in range(4)))


_task.run(main())
