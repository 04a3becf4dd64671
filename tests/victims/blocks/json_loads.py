"""json.loads of a large text."""

import json

import _block

small, big = _block.sizes(lambda size: "[" + "1.5," * size + "1]", json.loads)


async def healthy():
    await _block.sliced(json.loads, small)


async def guilty():
    with _block.held:
        json.loads(big)  # AW101 gil


_block.main(healthy, guilty)
