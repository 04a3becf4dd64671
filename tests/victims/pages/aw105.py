"""Pictures that take a quarter of a second each, and a default executor with few threads on any machine."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor


def shrink(path):
    time.sleep(0.25)


# PAGE


async def main():
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))
    await thumbnails(range(12))


asyncio.run(main())
