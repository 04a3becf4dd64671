"""A clean-up within its time on a loop that others hold: the one who holds it is to blame, not the one who ends."""
# options: --cancel-grace 1

import asyncio
import contextlib
import time

import _loop


async def cleans_up():
    try:
        await asyncio.sleep(30)
    finally:
        closed = asyncio.Event()
        asyncio.get_running_loop().call_later(0.6, closed.set)
        await closed.wait()


async def never_ends(ended):
    while not ended.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await ended.wait()  # AW209


def holds():
    time.sleep(1.2)  # AW101


async def main():
    ended = asyncio.Event()
    tasks = [asyncio.create_task(cleans_up()), asyncio.create_task(never_ends(ended))]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0.4)
    holds()
    await asyncio.sleep(1.2)
    ended.set()
    await asyncio.wait(tasks)
    print([task.cancelled() for task in tasks])


_loop.run(main())
