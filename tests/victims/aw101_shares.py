"""A step that spends its time in several places: the line with most of it is the one to change."""

import asyncio
import time

import _loop


def small():
    time.sleep(0.1)


def large():
    time.sleep(0.3)  # AW101


def middle():
    time.sleep(0.15)


async def mixed():
    small()
    large()
    middle()
    await asyncio.sleep(0.05)


async def interleaved():
    for _ in range(20):
        time.sleep(0.004)
        time.sleep(0.012)  # AW101
    await asyncio.sleep(0.05)


async def with_pauses():
    for _ in range(5):
        small_part()
        await asyncio.sleep(0)


def small_part():
    time.sleep(0.04)


async def main():
    await with_pauses()
    await mixed()
    await interleaved()
    print("ended")


_loop.run(main())
