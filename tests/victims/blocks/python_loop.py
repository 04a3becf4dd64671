"""A loop of Python code that never awaits."""

import asyncio
import time

import _block


async def healthy():
    end = time.monotonic() + _block.HEALTHY
    while time.monotonic() < end:
        for _ in range(1000):
            pass
        await asyncio.sleep(0)


async def guilty():
    end = time.monotonic() + _block.LENGTH
    with _block.held:
        while time.monotonic() < end: pass  # AW101 code


_block.main(healthy, guilty)
