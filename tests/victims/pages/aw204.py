"""A database that is away; whoever calls expects to hear of it, or not."""

import asyncio
import contextlib
import logging

log = logging.getLogger()
log.disabled = True


async def save(request):
    raise ConnectionError("database is away")


async def send_mail(request):
    await asyncio.sleep(0.1)


# PAGE


async def main():
    with contextlib.suppress(ConnectionError):
        try:
            await order(1)
        except* ConnectionError:
            pass
    await asyncio.sleep(0.1)


asyncio.run(main())
