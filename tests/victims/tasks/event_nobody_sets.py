"""A task waits for an event that nothing else has any more."""

import asyncio

import _task


async def connect(ready, *, works):
    await asyncio.sleep(0.05)
    if works:
        ready.set()


async def wait_for_it(ready):
    await ready.wait()  # AW207


async def start():
    ready = asyncio.Event()
    waiter = asyncio.create_task(wait_for_it(ready))
    await connect(ready, works=False)
    return waiter


async def main():
    waiter = await start()
    await _task.look_on()
    return waiter


_task.run(main())
