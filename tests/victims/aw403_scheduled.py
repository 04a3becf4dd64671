# no line: AW403[light]
"""Callbacks that are no functions of the program's: in debug mode the line that scheduled them is known."""

import asyncio

import _loop


async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(int, "1")
    loop.call_soon(int, "not a number")  # AW403[debug]
    loop.call_later(0.01, float, "2")
    loop.call_later(0.01, float, "no number either")  # AW403[debug]
    await asyncio.sleep(0.05)
    print("ended")


_loop.run(main())
