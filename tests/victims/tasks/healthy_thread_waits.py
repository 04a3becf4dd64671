"""A thread waits long for a coroutine that it gave to the loop."""

import asyncio

import _task


async def fetch():
    await asyncio.sleep(2.5)


def ask(loop):
    asyncio.run_coroutine_threadsafe(fetch(), loop).result()


async def main():
    loop = asyncio.get_running_loop()
    asked = loop.run_in_executor(None, ask, loop)
    while not asked.done():
        await asyncio.sleep(0.1)


_task.run(main())
