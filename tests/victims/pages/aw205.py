"""A worker without an end, and a service with one."""

import asyncio


async def worker():
    while True:
        await asyncio.sleep(0.05)


async def serve():
    await asyncio.sleep(0.2)


# PAGE
