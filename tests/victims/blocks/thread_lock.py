"""A threading.Lock that another thread holds."""

import asyncio
import threading

import _block

lock = threading.Lock()


async def healthy():
    lock.acquire()
    _block.later(lock.release, seconds=_block.HEALTHY)
    await asyncio.to_thread(lock.acquire)
    lock.release()


async def guilty():
    lock.acquire()
    _block.later(lock.release)
    with _block.held:
        lock.acquire()  # AW101 code


_block.main(healthy, guilty)
