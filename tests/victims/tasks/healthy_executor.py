"""Work in threads, one piece after the other and side by side."""

import asyncio
import time

import _task


async def convert():
    for _ in range(6):
        await asyncio.to_thread(time.sleep, 0.2)


async def main():
    loop = asyncio.get_running_loop()
    await convert()
    await asyncio.gather(convert(), *(loop.run_in_executor(None, time.sleep, 0.3) for _ in range(3)))


_task.run(main())
