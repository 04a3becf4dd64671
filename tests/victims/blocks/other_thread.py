"""A thread whose native code holds the GIL: the loop's own code is innocent, and stands still all the same."""

import asyncio
import ctypes

import _block

keeps = ctypes.PyDLL(None)
releases = ctypes.CDLL(None)


def thread_well():
    releases.usleep(int(_block.HEALTHY * 1e6))


def thread():
    with _block.held:
        keeps.usleep(int(_block.LENGTH * 1e6))  # AW101 gil


async def busy(work):
    running = asyncio.create_task(asyncio.to_thread(work))
    while not running.done():
        await asyncio.sleep(0.005)
    await running


async def healthy():
    await busy(thread_well)


async def guilty():
    await busy(thread)


_block.main(healthy, guilty)
