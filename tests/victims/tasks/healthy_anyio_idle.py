"""anyio: a stream on which nothing comes for long, a capacity limiter, and a task that sleeps until it is cancelled."""
# needs module: anyio

import anyio
from anyio._backends import _asyncio  # else importing it would hold the loop

import _task


async def consume(stream):
    async with stream:
        async for _ in stream:
            pass


async def fetch(limiter):
    async with limiter:
        await anyio.sleep(0.3)


async def main():
    limiter = anyio.CapacityLimiter(2)
    async with anyio.create_task_group() as group:
        send, receive = anyio.create_memory_object_stream(1)
        group.start_soon(consume, receive)
        group.start_soon(anyio.sleep_forever)
        async with send:
            for _ in range(2):
                await anyio.sleep(1.3)
                await send.send("item")
            for _ in range(4):
                group.start_soon(fetch, limiter)
            await anyio.sleep(0.7)
        group.cancel_scope.cancel()


_task.run(main())
