"""An event that only a timer can set."""

import asyncio

import _task


async def wait_for_it():
    ready = asyncio.Event()
    asyncio.get_running_loop().call_later(2.5, ready.set)
    await ready.wait()


async def main():
    await asyncio.create_task(wait_for_it())


_task.run(main())
