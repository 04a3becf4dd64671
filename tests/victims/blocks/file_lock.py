"""A lock on a file that somebody else holds."""

import asyncio
import fcntl
import tempfile

import _block

theirs = tempfile.NamedTemporaryFile()
ours = open(theirs.name)


def take(seconds):
    fcntl.flock(theirs, fcntl.LOCK_EX)
    _block.later(fcntl.flock, theirs, fcntl.LOCK_UN, seconds=seconds)


async def healthy():
    take(_block.HEALTHY)
    await asyncio.to_thread(fcntl.flock, ours, fcntl.LOCK_EX)
    fcntl.flock(ours, fcntl.LOCK_UN)


async def guilty():
    take(_block.LENGTH)
    with _block.held:
        fcntl.flock(ours, fcntl.LOCK_EX)  # AW101 code


_block.main(healthy, guilty)
ours.close()
theirs.close()
