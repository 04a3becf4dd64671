"""Failures that gather hands over as results."""

import asyncio

import _task


async def save(number):
    await asyncio.sleep(0.2 * number)
    if number % 2:
        raise ConnectionError("database is away")


async def main():
    await asyncio.gather(*(save(number) for number in range(8)), return_exceptions=True)
    await asyncio.sleep(1)


_task.run(main())
