"""One piece of work that blocks its loop, and says in which process it was done."""

import asyncio
import os
import time


async def work():
    await asyncio.sleep(0.05)
    time.sleep(0.25)  # PLANTED
    await asyncio.sleep(0.05)
    done()


def done():
    with open(os.path.join(os.environ["DONE"], str(os.getpid())), "w"):
        pass


def run():
    asyncio.run(work())
