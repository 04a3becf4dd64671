"""numpy.sort of a large array: native code that lets the GIL go."""
# needs module: numpy

import asyncio

import numpy

import _block

random = numpy.random.default_rng(1)

_, big = _block.sizes(lambda size: random.random(1000 * size), numpy.sort)


async def healthy():
    await asyncio.to_thread(numpy.sort, big[: len(big) // 2])


async def guilty():
    with _block.held:
        numpy.sort(big)  # AW101 code


_block.main(healthy, guilty)
