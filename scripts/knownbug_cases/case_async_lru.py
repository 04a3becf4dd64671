"""async-lru before 2.1.0 goes on with a call that everybody who waited for it has cancelled."""

import asyncio

from async_lru import alru_cache


@alru_cache
async def price(article):
    await asyncio.sleep(60)


async def main():
    asking = asyncio.create_task(price("tea"))
    await asyncio.sleep(0.1)
    asking.cancel()
    await asyncio.wait([asking])
    await asyncio.sleep(0.1)


asyncio.run(main())
