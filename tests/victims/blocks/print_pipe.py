"""print() into a pipe that nobody reads for a while."""

import asyncio
import os

import _block

TEXT = "x" * 300_000


def drain(source):
    while os.read(source, 65536):
        pass
    os.close(source)


async def healthy():
    source, sink = os.pipe()
    _block.later(drain, source, seconds=_block.HEALTHY)
    with open(sink, "w") as out:
        await asyncio.to_thread(print, TEXT, file=out, flush=True)


async def guilty():
    source, sink = os.pipe()
    _block.later(drain, source)
    with open(sink, "w") as out:
        with _block.held:
            print(TEXT, file=out, flush=True)  # AW101 code


_block.main(healthy, guilty)
