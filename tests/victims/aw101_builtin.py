"""A built-in function as callback has no frame of its own: on asyncio's loops it is told without a line."""
# no line: AW101?

import asyncio
import time

import _loop


async def later():
    await asyncio.sleep(0.1)
    time.sleep(0.3)  # AW101
    await asyncio.sleep(0.1)


async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(time.sleep, 0.01)
    await asyncio.sleep(0.1)
    loop.call_soon(time.sleep, 0.3)  # AW101?
    await asyncio.sleep(0.1)
    await later()


_loop.run(main())
