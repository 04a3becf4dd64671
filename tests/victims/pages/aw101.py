"""A payment gateway whose client blocks, and a table of prices that takes half a second to add up on any machine."""

import asyncio
import time
from math import sqrt as price


class gateway:
    def charge(order):
        time.sleep(0.3)


# PAGE


def rows_for(seconds):
    began = time.thread_time()
    sum(price(row) for row in range(200_000))
    return range(int(200_000 * seconds / (time.thread_time() - began)))


async def main(rows):
    if "charge" in globals():
        await charge(1)
    else:
        await total(rows)


if __name__ == "__main__":
    asyncio.run(main(rows_for(0.5)))
