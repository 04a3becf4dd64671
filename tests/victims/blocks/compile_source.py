"""compile() of a large source, as a template engine does it."""

import _block


def build(text):
    return compile(text, "<generated>", "exec")


small, big = _block.sizes(lambda size: "x = a + b * c\n" * size, build, 500)


async def healthy():
    await _block.sliced(build, small)


async def guilty():
    with _block.held:
        compile(big, "<generated>", "exec")  # AW101 gil


_block.main(healthy, guilty)
