"""A task awaits a shield again after each cancellation."""

import asyncio

import _task

over = False


async def job():
    await asyncio.sleep(_task.FOR_EVER)


async def insist(work):
    while not over:
        try:
            await asyncio.shield(work)  # AW209
        except asyncio.CancelledError:
            continue


async def main():
    global over
    work = asyncio.create_task(job())
    task = asyncio.create_task(insist(work))
    await asyncio.sleep(0.2)
    task.cancel()
    await _task.look_on()
    over = True
    return task


_task.run(main())
