"""A program that sets `slow_callback_duration` itself, to milliseconds: each loop's own setting counts from then on."""

import asyncio
import time

import _loop


async def allowed():
    time.sleep(0.06)
    await asyncio.sleep(0.02)


async def twenty():
    time.sleep(0.06)  # AW101
    await asyncio.sleep(0.02)


async def five():
    time.sleep(0.03)  # AW101
    await asyncio.sleep(0.02)


def callback():
    time.sleep(0.03)  # AW101


async def brief():
    time.sleep(0.001)
    await asyncio.sleep(0.01)


async def main():
    loop = asyncio.get_running_loop()
    for threshold, guilty in ((0.1, allowed), (0.02, twenty), (0.005, five), (0.1, allowed)):
        loop.slow_callback_duration = threshold
        # Nothing was slow for a moment, as in a program that serves.
        await asyncio.sleep(0.05)
        for _ in range(2):
            await brief()
            await guilty()
    loop.slow_callback_duration = 0.01
    await asyncio.sleep(0.05)
    loop.call_soon(callback)
    await asyncio.sleep(0.05)
    print("ended")


_loop.run(main())
