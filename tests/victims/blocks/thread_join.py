"""A thread that is waited for."""

import asyncio
import threading
import time

import _block


def start(seconds):
    thread = threading.Thread(target=time.sleep, args=(seconds,))
    thread.start()
    return thread


async def healthy():
    await asyncio.to_thread(start(_block.HEALTHY).join)


async def guilty():
    thread = start(_block.LENGTH)
    with _block.held:
        thread.join()  # AW101 code


_block.main(healthy, guilty)
