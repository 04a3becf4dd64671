"""`in` on a long list, where a set was meant."""

import operator

import _block

NEEDLE, HAY = "a" * 10_000 + "b", "a" * 10_000 + "c"

small, big = _block.sizes(lambda size: [HAY] * size, lambda rows: NEEDLE in rows, 100)


async def healthy():
    await _block.sliced(operator.contains, small, NEEDLE)


async def guilty():
    with _block.held:
        NEEDLE in big  # AW101 gil


_block.main(healthy, guilty)
