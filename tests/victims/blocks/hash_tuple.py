"""hash() of a large tuple of large integers: native code that holds the GIL."""

import _block

NUMBER = 1 << 100_000

small, big = _block.sizes(lambda size: (NUMBER,) * size, hash)


async def healthy():
    await _block.sliced(hash, small)


async def guilty():
    with _block.held:
        hash(big)  # AW101 gil


_block.main(healthy, guilty)
