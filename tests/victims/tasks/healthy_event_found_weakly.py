"""An event that its waiter alone refers to, and that a registry of weak references still finds."""

import asyncio
import weakref

import _task

events = weakref.WeakValueDictionary()


async def wait_for_it():
    ready = events["ready"] = asyncio.Event()
    await ready.wait()


async def main():
    task = asyncio.create_task(wait_for_it())
    await asyncio.sleep(2.5)
    events["ready"].set()
    await task


_task.run(main())
