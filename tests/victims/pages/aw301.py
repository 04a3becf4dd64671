"""An order to be saved."""

import asyncio


async def save(request):
    await asyncio.sleep(0)


# PAGE

asyncio.run(order(1))
