"""An event that only a job in a thread can set: nothing but that thread's frame has it."""

import asyncio
import time

import _task


def convert(loop, ready):
    time.sleep(2.5)
    loop.call_soon_threadsafe(ready.set)


def start():
    ready, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.run_in_executor(None, convert, loop, ready)
    return ready.wait()


async def main():
    await asyncio.create_task(start())


_task.run(main())
