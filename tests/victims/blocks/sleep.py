"""time.sleep in a coroutine."""

import asyncio
import time

import _block


async def healthy():
    await asyncio.sleep(_block.HEALTHY)


async def guilty():
    with _block.held:
        time.sleep(_block.LENGTH)  # AW101 code


_block.main(healthy, guilty)
