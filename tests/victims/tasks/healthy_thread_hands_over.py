"""Threads hand coroutines and results to the loop in the ways that are safe."""

import asyncio
import threading
import time

import _task


async def add(one, other):
    await asyncio.sleep(0.1)
    return one + other


def feed(loop, queue):
    for number in range(4):
        time.sleep(0.6)
        total = asyncio.run_coroutine_threadsafe(add(number, 1), loop).result()
        loop.call_soon_threadsafe(queue.put_nowait, total)


async def main():
    queue = asyncio.Queue()
    thread = threading.Thread(target=feed, args=(asyncio.get_running_loop(), queue))
    thread.start()
    for _ in range(4):
        await queue.get()
    thread.join()


_task.run(main())
