"""The step that holds the loop is the last one of its loop: the loop never answers again, and is gone soon after."""

import asyncio
import time

import _loop


async def at_once():
    time.sleep(0.3)  # AW101


async def after_a_while():
    await asyncio.sleep(0.1)
    time.sleep(0.3)  # AW101


async def fails():
    await asyncio.sleep(0.1)
    time.sleep(0.3)  # AW101
    raise ValueError("the step ends in an exception")


async def shutdown():
    try:
        await asyncio.sleep(10)
    finally:
        time.sleep(0.3)  # AW101


async def left():
    task = asyncio.create_task(shutdown())  # AW205
    await asyncio.sleep(0.1)
    return task.get_name() == ""


async def brief():
    time.sleep(0.01)
    await asyncio.sleep(0.1)


async def brief_end():
    await asyncio.sleep(0.1)
    time.sleep(0.01)


_loop.run(brief())
_loop.run(brief_end())
_loop.run(at_once())
_loop.run(after_a_while())
_loop.run(left())
try:
    _loop.run(fails())
except ValueError as error:
    print(error)
time.sleep(0.2)
_loop.run(brief())
