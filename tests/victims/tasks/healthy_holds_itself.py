"""A task that puts itself into a registry, and takes itself out at its end."""

import asyncio

import _task

sessions = set()


async def session():
    sessions.add(asyncio.current_task())
    try:
        await asyncio.sleep(1.4)
    finally:
        sessions.discard(asyncio.current_task())


async def main():
    for _ in range(3):
        asyncio.create_task(session())
        await asyncio.sleep(0.4)
    while sessions:
        await asyncio.sleep(0.1)


_task.run(main())
