"""json.dumps of a long list."""

import json

import _block

small, big = _block.sizes(lambda size: [1.5] * size, json.dumps)


async def healthy():
    await _block.sliced(json.dumps, small)


async def guilty():
    with _block.held:
        json.dumps(big)  # AW101 gil


_block.main(healthy, guilty)
