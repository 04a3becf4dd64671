"""A consumer that asks its queue with wait_for and goes on when nothing came."""

import asyncio

import _task


async def consume(queue):
    seen = []
    while len(seen) < 2:
        try:
            seen.append(await asyncio.wait_for(queue.get(), 1.3))
        except TimeoutError:
            continue


async def main():
    queue = asyncio.Queue()
    consumer = asyncio.create_task(consume(queue))
    for item in range(2):
        await asyncio.sleep(1.5)
        queue.put_nowait(item)
    await consumer


_task.run(main())
