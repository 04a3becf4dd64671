"""The default executor as asyncio makes it, full of work from one function; a second loop's own is idle meanwhile."""

import asyncio
import threading
import time

import _loop

MOST_THREADS = 32  # what Python gives the default executor at most
done = threading.Event()


def read():
    time.sleep(0.25)


async def load():
    await asyncio.to_thread(read)  # AW105


async def elsewhere():
    while not done.is_set():
        await asyncio.to_thread(time.sleep, 0.02)


async def main():
    other = threading.Thread(target=_loop.run, args=(elsewhere(),))
    other.start()
    await asyncio.gather(*(load() for _ in range(MOST_THREADS + 4)))
    done.set()
    await asyncio.to_thread(other.join)
    print("ended")


_loop.run(main())
