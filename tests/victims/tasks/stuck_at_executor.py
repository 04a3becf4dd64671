"""A task waits for a job in a thread that does not end while the program runs."""

import asyncio
import threading

import _task

gate = threading.Event()


async def convert():
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, gate.wait, _task.FOR_EVER)  # AW206


async def main():
    task = asyncio.create_task(convert())
    await _task.look_on()
    gate.set()  # else the program could not end
    return task


_task.run(main())
