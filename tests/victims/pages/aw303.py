"""A disk that is full."""

import asyncio
import contextlib
import gc
import logging

log = logging.getLogger()
log.disabled = True


def write(path):
    raise OSError("no space left")


# PAGE


async def main():
    with contextlib.suppress(OSError):
        await publish("a")
    await asyncio.sleep(0.2)
    gc.collect()


asyncio.run(main())
