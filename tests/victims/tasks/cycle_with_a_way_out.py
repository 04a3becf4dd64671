"""A child waits for a lock of its parent, which waits for its children: stuck, until another child fails."""

import asyncio

import _task


async def charge(lock):
    async with lock:  # AW206
        pass


async def fail_late():
    await asyncio.sleep(2.6)
    raise ConnectionError("database is away")


async def main():
    lock = asyncio.Lock()
    try:
        async with lock, asyncio.TaskGroup() as group:
            group.create_task(charge(lock))
            group.create_task(fail_late())
    except* ConnectionError:
        pass


_task.run(main())
