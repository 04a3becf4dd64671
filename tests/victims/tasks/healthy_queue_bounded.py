"""A producer that is faster than its consumer waits for a place in a bounded queue."""

import asyncio

import _task


async def produce(queue):
    for item in range(25):
        await queue.put(item)
    await queue.put(None)


async def consume(queue):
    while await queue.get() is not None:
        await asyncio.sleep(0.1)


async def main():
    queue = asyncio.Queue(maxsize=2)
    async with asyncio.TaskGroup() as group:
        group.create_task(produce(queue))
        group.create_task(consume(queue))


_task.run(main())
