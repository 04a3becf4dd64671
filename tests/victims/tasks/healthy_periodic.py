"""Tasks that wake up again and again, stopped in order."""

import asyncio

import _task


async def tick(seconds):
    while True:
        await asyncio.sleep(seconds)


async def main():
    tasks = [asyncio.create_task(tick(seconds)) for seconds in (0.01, 0.3, _task.LONG)]
    await asyncio.sleep(2.7)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_task.run(main())
