"""The line is the one that blocks, wherever Python lets one stand."""

import asyncio
import contextlib
import time

import _loop


async def rows():
    for number in range(3):
        if number == 1:
            time.sleep(0.3)  # AW101
        yield number
        await asyncio.sleep(0)


async def rows_well():
    for number in range(3):
        await asyncio.sleep(0.05)
        yield number


class Session:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        time.sleep(0.3)  # AW101


class GoodSession(Session):
    async def __aexit__(self, *_):
        await asyncio.sleep(0.15)


class Ticket:
    def __await__(self):
        time.sleep(0.3)  # AW101
        yield from asyncio.sleep(0).__await__()


class GoodTicket:
    def __await__(self):
        yield from asyncio.sleep(0.15).__await__()


@contextlib.contextmanager
def timer():
    yield
    time.sleep(0.3)  # AW101


async def limited():
    async with asyncio.timeout(5):
        await asyncio.sleep(0.01)
        time.sleep(0.3)  # AW101


async def limited_well():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.15):
            await asyncio.sleep(5)


async def cleaned():
    try:
        await asyncio.sleep(10)
    finally:
        time.sleep(0.3)  # AW101


async def cleaned_well():
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(0.15)


async def cancel(coro):
    task = asyncio.create_task(coro)
    await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def main():
    async for _ in rows_well():
        pass
    async with GoodSession():
        await asyncio.sleep(0.01)
    await GoodTicket()
    await limited_well()
    await cancel(cleaned_well())
    async for _ in rows():
        pass
    await asyncio.sleep(0.05)
    async with Session():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await Ticket()
    await asyncio.sleep(0.05)
    with timer():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    async with asyncio.TaskGroup() as group:
        group.create_task(limited())
    await cancel(cleaned())
    await asyncio.sleep(0.05)
    print("ended")


_loop.run(main())
