"""A stream of messages that come faster than they are handled, until two seconds have passed."""
# options: --pileup 100

import asyncio
import time


async def handle(message):
    await asyncio.sleep(2.2)


async def messages():
    began = time.monotonic()
    while time.monotonic() - began < 2.2:
        await asyncio.sleep(0.01)
        for _ in range(5):
            yield "message"


# PAGE

asyncio.run(serve(messages()))
