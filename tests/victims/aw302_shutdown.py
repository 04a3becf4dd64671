"""Async generators that are open when their loop ends: left to its shutdown, iterated after it, or closed in time."""

import asyncio
import contextlib

import _loop

kept = []


async def rows(kind):
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
        print("released", kind)


async def ticks():
    while True:
        yield 1
        await asyncio.sleep(0.01)


async def consumes():
    async for _tick in ticks():  # AW302?
        await asyncio.sleep(0)


async def waits_inside():
    async def inside():
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            print("cancelled inside")

    async for row in inside():
        print(row)


async def main():
    held = rows("held")
    kept.append(held)
    async for row in held:  # AW302
        print(row)
        break
    closed = rows("closed in time")
    kept.append(closed)
    async with contextlib.aclosing(closed):
        print(await anext(closed))
    ended = rows("run to the end")
    kept.append(ended)
    async for row in ended:
        print(row)
    kept.append(rows("never begun"))
    kept.append(asyncio.create_task(waits_inside()))  # AW205
    kept.append(asyncio.create_task(consumes()))  # AW205
    await asyncio.sleep(0.05)


async def late():
    async for row in rows("late"):  # AW302
        print(row)


_loop.run(main())
loop = _loop.factory()
loop.run_until_complete(loop.shutdown_asyncgens())
loop.run_until_complete(late())
loop.close()
