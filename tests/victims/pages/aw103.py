"""Twenty-five rows that take 20 ms each."""

import asyncio
import time


def render(row):
    time.sleep(0.02)


# PAGE


async def main():
    await publish(range(25))
    await asyncio.sleep(0.01)


asyncio.run(main())
