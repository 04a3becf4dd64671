"""zlib.compress of a large body: native code that lets the GIL go."""

import asyncio
import random
import zlib

import _block

_, big = _block.sizes(lambda size: random.randbytes(1000 * size), zlib.compress, 10)


async def healthy():
    await asyncio.to_thread(zlib.compress, big[: len(big) // 2])


async def guilty():
    with _block.held:
        zlib.compress(big)  # AW101 code


_block.main(healthy, guilty)
