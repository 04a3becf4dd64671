"""A regular expression that tries every way to split a text."""

import re

import _block

PATTERN = re.compile(r"(?:a+)+$")

small, big = _block.sizes(lambda size: ("a" * 14 + "!") * size, PATTERN.search)


async def healthy():
    await _block.sliced(PATTERN.search, small)


async def guilty():
    with _block.held:
        PATTERN.search(big)  # AW101 gil


_block.main(healthy, guilty)
