"""An anyio task group, its cancel scope and its streams."""
# needs module: anyio

import anyio
from anyio._backends import _asyncio  # else importing it would hold the loop

import _task


async def produce(stream):
    async with stream:
        for item in range(4):
            await anyio.sleep(0.4)
            await stream.send(item)


async def consume(stream):
    async with stream:
        async for _ in stream:
            pass


async def main():
    async with anyio.create_task_group() as group:
        send, receive = anyio.create_memory_object_stream(0)
        group.start_soon(produce, send)
        group.start_soon(consume, receive)
    with anyio.move_on_after(1.3):
        await anyio.Event().wait()


_task.run(main())
