"""A large cache emptied: every object in it dies at once."""

import asyncio

import _block


def cache(size):
    # Not in the order of their addresses, as a cache that has been used for a while.
    rows = [{"id": number} for number in range(size)]
    return [rows[number * 7919 % size] for number in range(size)]


small, big = _block.sizes(cache, list.clear, 30_000)


async def healthy():
    while small:
        del small[-1000:]
        await asyncio.sleep(0)


async def guilty():
    with _block.held:
        big.clear()  # AW101 gil


_block.main(healthy, guilty)
