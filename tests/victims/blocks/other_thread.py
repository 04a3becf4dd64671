"""A thread whose native code holds the GIL: the loop's own code is innocent, and stands still all the same."""

import asyncio

import _block


def build(size):
    return [-number * 7919 % 1000003 for number in range(size)]


def thread_well(few):
    for _ in range(2):
        sorted(few)


def thread(many):
    with _block.held:
        sorted(many)  # AW101 gil


async def busy(work, numbers):
    running = asyncio.create_task(asyncio.to_thread(work, numbers))
    while not running.done():
        await asyncio.sleep(0.005)
    await running


async def healthy():
    await busy(thread_well, few)


async def guilty():
    await busy(thread, many)


few, many = _block.sizes(build, sorted)
_block.main(healthy, guilty)
