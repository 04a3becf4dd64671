"""Subscribers wait long at queues of their own, which the publisher knows by weak references."""

import asyncio
import weakref

import _task


class Bus:
    def __init__(self):
        self.queues = weakref.WeakSet()

    def subscribe(self):
        queue = asyncio.Queue()
        self.queues.add(queue)
        return queue

    def publish(self, item):
        for queue in self.queues:
            queue.put_nowait(item)


async def listen(bus):
    queue = bus.subscribe()
    for _ in range(2):
        await queue.get()


async def main():
    bus = Bus()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(listen(bus))
        for item in range(2):
            await asyncio.sleep(1.3)
            bus.publish(item)


_task.run(main())
