"""open() of a named pipe: it waits for the other end."""

import asyncio
import os
import tempfile

import _block

folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "pipe")
os.mkfifo(path)


def other_end():
    open(path, "wb").close()


def read():
    open(path, "rb").close()


async def healthy():
    _block.later(other_end, seconds=_block.HEALTHY)
    await asyncio.to_thread(read)


async def guilty():
    _block.later(other_end)
    with _block.held:
        open(path, "rb").close()  # AW101 code


_block.main(healthy, guilty)
folder.cleanup()
