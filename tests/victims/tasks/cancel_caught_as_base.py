"""A worker's `except BaseException` takes its cancellation for one more failure."""

import asyncio

import _task

over = False
failures = []


async def work():
    while not over:
        try:
            await asyncio.sleep(0.1)  # AW209
        except BaseException as error:
            failures.append(str(error))


async def main():
    global over
    task = asyncio.create_task(work())
    await asyncio.sleep(0.2)
    task.cancel()
    await _task.look_on()
    over = True
    await task


_task.run(main())
