"""str.translate of a large text."""

import _block

TABLE = {ord("a"): "xyz"}

small, big = _block.sizes(lambda size: "ab" * size, lambda text: text.translate(TABLE), 1000)


async def healthy():
    await _block.sliced(small.translate, TABLE)


async def guilty():
    with _block.held:
        big.translate(TABLE)  # AW101 gil


_block.main(healthy, guilty)
