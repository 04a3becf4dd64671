"""A C extension that waits and keeps the GIL: no CPU time, and no other thread runs."""

import asyncio
import ctypes

import _block

keeps = ctypes.PyDLL(None)
releases = ctypes.CDLL(None)


async def healthy():
    await asyncio.to_thread(releases.usleep, int(_block.HEALTHY * 1e6))


async def guilty():
    with _block.held:
        keeps.usleep(int(_block.LENGTH * 1e6))  # AW101 gil


_block.main(healthy, guilty)
