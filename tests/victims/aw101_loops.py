"""Loops in threads, loops one after another, loops run by hand: each is watched."""

import asyncio
import threading
import time

import _loop


async def first():
    await asyncio.sleep(0.02)
    time.sleep(0.3)  # AW101
    await asyncio.sleep(0.02)


async def second():
    await asyncio.sleep(0.02)
    time.sleep(0.3)  # AW101
    await asyncio.sleep(0.02)


async def by_hand():
    await asyncio.sleep(0.02)
    time.sleep(0.3)  # AW101
    await asyncio.sleep(0.02)


async def in_thread():
    await asyncio.sleep(0.02)
    time.sleep(0.3)  # AW101
    await asyncio.sleep(0.02)


async def well():
    for _ in range(10):
        await asyncio.sleep(0.02)


def thread():
    _loop.run(in_thread())


def good_thread(ready, stop):
    loop = _loop.factory()
    ready.append(loop)
    loop.run_forever()
    loop.close()


def main():
    _loop.run(well())
    _loop.run(first())
    # Between two loops the thread may do what it likes: it holds nobody.
    time.sleep(0.3)
    _loop.run(second())
    loop = _loop.factory()
    loop.run_until_complete(well())
    time.sleep(0.3)
    loop.run_until_complete(by_hand())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    ready = []
    threads = [threading.Thread(target=thread), threading.Thread(target=good_thread, args=(ready, None))]
    for one in threads:
        one.start()
    while not ready or not ready[0].is_running():
        time.sleep(0.01)
    future = asyncio.run_coroutine_threadsafe(well(), ready[0])
    future.result()
    ready[0].call_soon_threadsafe(ready[0].stop)
    for one in threads:
        one.join()
    print("ended")


main()
