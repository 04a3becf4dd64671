"""Consumers wait for a queue whose producer is gone; nobody else has it."""

import asyncio

import _task


async def produce(queue):
    for item in range(3):
        await queue.put(item)


async def consume(queue):
    while True:
        await queue.get()  # AW207


async def pipeline():
    queue = asyncio.Queue()
    consumers = [asyncio.create_task(consume(queue)) for _ in range(2)]
    await produce(queue)
    return consumers


async def main():
    consumers = await pipeline()
    await _task.look_on()
    return consumers


_task.run(main())
