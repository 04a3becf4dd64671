"""Consumers wait for a condition that only they still have."""

import asyncio

import _task


async def consume(condition):
    async with condition:
        await condition.wait()  # AW207


async def start():
    condition = asyncio.Condition()
    return [asyncio.create_task(consume(condition)) for _ in range(2)]


async def main():
    consumers = await start()
    await _task.look_on()
    return consumers


_task.run(main())
