"""The result of a thread pool's future, not awaited but asked for."""

import asyncio
import concurrent.futures
import time

import _block

pool = concurrent.futures.ThreadPoolExecutor(1)


async def healthy():
    await asyncio.wrap_future(pool.submit(time.sleep, _block.HEALTHY))


async def guilty():
    future = pool.submit(time.sleep, _block.LENGTH)
    with _block.held:
        future.result()  # AW101 code


with pool:
    _block.main(healthy, guilty)
