"""Async generators that are read to their end, or closed."""

import asyncio
import contextlib

import _task


async def numbers(seconds):
    for number in range(10):
        await asyncio.sleep(seconds)
        yield number


async def main():
    async for _ in numbers(0.12):
        pass
    async with contextlib.aclosing(numbers(0.3)) as stream:
        async for number in stream:
            if number == 3:
                break
    assert len([number async for number in numbers(0.01)]) == 10


_task.run(main())
