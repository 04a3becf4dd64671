"""The first step of an eager task runs, and blocks, inside create_task."""
# needs: 3.12

import asyncio
import time

import _block


async def slow():
    with _block.held:
        time.sleep(_block.LENGTH)  # AW101 code
    await asyncio.sleep(0.01)


def start(coro):
    return asyncio.Task(coro, loop=asyncio.get_running_loop(), eager_start=True)


async def healthy():
    await start(asyncio.sleep(_block.HEALTHY))


async def guilty():
    await start(slow())


_block.main(healthy, guilty)
