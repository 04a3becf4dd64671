"""A topic whose subscribers read queues until they are told to end; and a collection of garbage."""

import asyncio
import gc


class Topic:
    name = "news"

    def __init__(self):
        self.queues = []


async def listen(queue):
    while await queue.get():
        pass


# PAGE


async def main():
    topic = Topic()
    subscriber = asyncio.create_task(subscribe(topic))
    await asyncio.sleep(0.1)
    gc.collect()
    await asyncio.sleep(0.1)
    for queue in topic.queues:
        queue.put_nowait(None)
    assert "subscribed" in await subscriber
    await asyncio.sleep(0.1)


asyncio.run(main())
