"""An event that only a closure in a registry of callbacks can set."""

import asyncio

import _task

callbacks = []


async def wait_for_it():
    ready = asyncio.Event()

    def fire():
        ready.set()

    callbacks.append(fire)
    await ready.wait()


async def main():
    task = asyncio.create_task(wait_for_it())
    await asyncio.sleep(2.5)
    callbacks.pop()()
    await task


_task.run(main())
