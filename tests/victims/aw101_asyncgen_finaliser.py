"""Async generators closed by somebody else: the garbage collector, the loop's shutdown, the end of a block."""

import asyncio
import contextlib
import time

import _loop


async def collected():
    try:
        yield 1
        yield 2
    finally:
        time.sleep(0.3)  # AW101


async def shut_down():
    try:
        yield 1
        yield 2
    finally:
        time.sleep(0.3)  # AW101


async def closed():
    try:
        yield 1
        yield 2
    finally:
        time.sleep(0.3)  # AW101


async def well():
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0.15)


async def first(rows):
    async for row in rows:  # AW302
        return row


async def main():
    kept = [well(), shut_down()]
    print(await first(well()), await first(collected()))
    await asyncio.sleep(0.2)
    for rows in (well(), closed()):
        async with contextlib.aclosing(rows):
            print(await first(rows))
    await asyncio.sleep(0.05)
    print([await first(rows) for rows in kept])
    return kept


_loop.run(main())
