"""copy.deepcopy of a large structure: Python code of the standard library."""

import asyncio
import copy

import _block

_, big = _block.sizes(lambda size: [[number, [number]] for number in range(size)], copy.deepcopy, 100)


async def healthy():
    await asyncio.to_thread(copy.deepcopy, big[: len(big) // 3])


async def guilty():
    with _block.held:
        copy.deepcopy(big)  # AW101 code


_block.main(healthy, guilty)
