"""A burst of 5,000 tasks that drains."""

import asyncio

import _task


async def handle(number):
    await asyncio.sleep(0.5 + number / 2500)


async def main():
    running = set()
    for number in range(5000):
        running.add(asyncio.create_task(handle(number)))
        if number % 100 == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*running)


_task.run(main())
