"""Two tasks take two locks in opposite order, with async with."""

import asyncio

import _task


async def transfer(source, target):
    async with source:
        await asyncio.sleep(0.05)
        async with target:  # AW207
            pass


async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.create_task(transfer(one, other)), asyncio.create_task(transfer(other, one))]
    await _task.look_on()
    return tasks


_task.run(main())
