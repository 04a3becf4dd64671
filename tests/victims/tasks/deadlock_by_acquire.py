"""Two tasks take two locks in opposite order, with acquire()."""

import asyncio

import _task


async def transfer(source, target):
    await source.acquire()
    await asyncio.sleep(0.05)
    await target.acquire()  # AW207


async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.create_task(transfer(one, other)), asyncio.create_task(transfer(other, one))]
    await _task.look_on()
    return tasks


_task.run(main())
