"""The collector starts by itself, and has many dead cycles to clear away."""

import asyncio
import gc

import _block


async def healthy():
    for _ in range(10):
        _block.cycles(1000)
        await asyncio.sleep(0)


async def guilty():
    with _block.held:
        gc.enable(); rows = [[] for _ in range(10_000)]  # AW101 gc
    assert rows


_block.cycles(_block.cycles_for_block())
_block.main(healthy, guilty)
