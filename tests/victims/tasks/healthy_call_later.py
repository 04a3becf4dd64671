"""A callback that calls itself later, and no task at all."""

import asyncio

import _task


def tick(loop, left, done):
    if left:
        loop.call_later(0.05, tick, loop, left - 1, done)
    else:
        done.set()


async def main():
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.call_soon(tick, loop, 50, done)
    await done.wait()


_task.run(main())
