"""anyio on asyncio: its task groups, scopes, streams and threads own what they start."""
# needs module: anyio

import time

import anyio
import anyio.to_thread

import _loop


async def produce(stream):
    async with stream:
        for number in range(10):
            await anyio.sleep(0.05)
            await stream.send(number)


async def consume(stream, seen):
    async with stream:
        async for number in stream:
            seen.append(number)


async def started(task_status):
    await anyio.sleep(0.05)
    task_status.started("ready")
    await anyio.sleep_forever()


async def main():
    seen = []
    send, receive = anyio.create_memory_object_stream()
    async with anyio.create_task_group() as group:
        group.start_soon(produce, send)
        group.start_soon(consume, receive, seen)
        group.start_soon(anyio.sleep, 0.7)
    async with anyio.create_task_group() as group:
        print(await group.start(lambda *, task_status: started(task_status)))
        group.cancel_scope.cancel()
    with anyio.move_on_after(0.6):
        await anyio.sleep_forever()
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(time.sleep, 0.3)
    print(seen)


_loop.run(main())
