"""A timer's callback blocks: there is no task."""

import asyncio
import time

import _block


def refresh(done):
    with _block.held:
        time.sleep(_block.LENGTH)  # AW101 code
    done.set_result(None)


async def healthy():
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(_block.HEALTHY, done.set_result, None)
    await done


async def guilty():
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, refresh, done)
    await done


_block.main(healthy, guilty)
