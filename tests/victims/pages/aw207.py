"""Two accounts and a transfer each way; sources that come to their end. What hangs is cancelled at last."""
# options: --stuck-after 0.5

import asyncio
import contextlib


class Account:
    def __init__(self):
        self.lock = asyncio.Lock()


async def check(account):
    await asyncio.sleep(0.1)


async def move(source, target):
    await asyncio.sleep(0.1)


async def read(source, queue):
    for item in source:
        await queue.put(item)


def show(item):
    pass


# PAGE


async def transfers():
    one, other = Account(), Account()
    await asyncio.gather(transfer(one, other), transfer(other, one))


async def main():
    way = transfers() if "transfer" in globals() else collect([[1, 2], [3]])
    task = asyncio.create_task(way)
    await asyncio.wait([task], timeout=2)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


asyncio.run(main())
