"""A loop swallows CancelledError and goes on."""

import asyncio

import _task

over = False


async def poll():
    while not over:
        try:
            await asyncio.sleep(0.1)  # AW209
        except asyncio.CancelledError:
            pass


async def main():
    global over
    task = asyncio.create_task(poll())
    await asyncio.sleep(0.2)
    task.cancel()
    await _task.look_on()
    over = True
    await task


_task.run(main())
