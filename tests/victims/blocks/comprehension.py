"""A sum over a generator expression."""

import asyncio

import _block


def total(size):
    return sum(number * number for number in range(size))


_, big = _block.sizes(lambda size: size, total, 1000)


async def healthy():
    await asyncio.to_thread(total, big // 3)


async def guilty():
    with _block.held:
        sum(number * number for number in range(big))  # AW101 code


_block.main(healthy, guilty)
