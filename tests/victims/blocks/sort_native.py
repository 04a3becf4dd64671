"""A long list sorted, with nothing but native comparisons."""

import _block


def rows(size):
    return [str(number * 7919 % size) for number in range(size)]


small, big = _block.sizes(rows, sorted, 1000)


async def healthy():
    await _block.sliced(sorted, small)


async def guilty():
    with _block.held:
        sorted(big)  # AW101 gil


_block.main(healthy, guilty)
