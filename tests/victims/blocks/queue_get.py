"""queue.Queue.get, where asyncio.Queue was meant."""

import asyncio
import queue

import _block

source = queue.Queue()


async def healthy():
    _block.later(source.put, 1, seconds=_block.HEALTHY)
    await asyncio.to_thread(source.get)


async def guilty():
    _block.later(source.put, 1)
    with _block.held:
        source.get()  # AW101 code


_block.main(healthy, guilty)
