"""A list sorted with a key that is Python code."""

import asyncio

import _block


def key(row):
    return sum(number * number for number in row)


def rows(size):
    return [(number, *range(20)) for number in range(size)]


_, big = _block.sizes(rows, lambda some: sorted(some, key=key))


async def healthy():
    # Python code takes turns with the loop's thread.
    await asyncio.to_thread(sorted, big[: len(big) // 3], key=key)


async def guilty():
    with _block.held:
        sorted(big, key=lambda row: sum(number * number for number in row))  # AW101 code


_block.main(healthy, guilty)
