"""Loops that stop early and are never closed, in the main thread and in another; and loops that were emptied before."""

import asyncio
import threading

import _loop

loops = []
kept = []


async def worker():
    await asyncio.sleep(30)


async def main():
    kept.append(asyncio.create_task(worker()))  # AW205
    await asyncio.sleep(0.05)


async def main_well():
    task = asyncio.create_task(worker())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})


def returns_early(coro):
    loop = _loop.factory()
    loops.append(loop)
    loop.run_until_complete(coro)


returns_early(main_well())
thread = threading.Thread(target=returns_early, args=(main(),))
thread.start()
thread.join()
loop = _loop.factory()
loops.append(loop)
kept.append(loop.create_task(worker()))  # AW205
loop.run_until_complete(main_well())
print("ended")
