"""A task and the future it waits for refer only to each other, and the collector takes both."""

import asyncio
import gc

import _task


async def receive():
    reply = asyncio.get_running_loop().create_future()
    await reply


async def start():
    task = asyncio.create_task(receive())  # AW203 AW201?
    await asyncio.sleep(0.05)
    return task.get_name()


async def main():
    await start()
    gc.collect()
    await _task.look_on()


_task.run(main())
