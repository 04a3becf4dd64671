"""A cache that takes a while to refresh, and requests that are tasks of their own, or come one after the other."""

import asyncio
import logging

log = logging.getLogger()


async def refresh_cache():
    await asyncio.sleep(1)


def cached(request):
    return request


# PAGE


async def incoming():
    for request in range(2):
        yield request


async def main():
    if "serve" in globals():
        await serve(incoming())
    else:
        assert await asyncio.create_task(handle(1)) == 1
        await asyncio.sleep(1.2)


asyncio.run(main())
