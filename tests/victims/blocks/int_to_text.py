"""Large integers turned into text."""

import _block

small, big = _block.sizes(lambda size: [10**4000] * size, str)


async def healthy():
    await _block.sliced(str, small)


async def guilty():
    with _block.held:
        str(big)  # AW101 gil


_block.main(healthy, guilty)
