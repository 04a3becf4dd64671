"""A mail that takes a while."""

import asyncio


async def send_mail(request):
    await asyncio.sleep(1)


async def save(request):
    await asyncio.sleep(0.1)


# PAGE


async def main():
    assert await order(1) == "thanks"
    await asyncio.sleep(1.2)


asyncio.run(main())
