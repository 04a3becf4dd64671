"""pow() of large integers."""

import _block

MODULUS = (1 << 2048) - 1942289


def power(exponent):
    return pow(7, exponent, MODULUS)


small, big = _block.sizes(lambda size: (1 << 30 * size) - 1, power)


async def healthy():
    await _block.sliced(power, small)


async def guilty():
    with _block.held:
        pow(7, big, MODULUS)  # AW101 gil


_block.main(healthy, guilty)
