"""A web handler's usual blocking calls, each with the twin that lets the loop go on."""

import asyncio
import concurrent.futures
import queue
import socket
import subprocess
import sys
import threading
import time

import _loop

CHILD = [sys.executable, "-S", "-c", "import time; time.sleep(0.3)"]


async def charge():
    time.sleep(0.3)  # AW101


async def charge_well():
    await asyncio.sleep(0.3)


def fetch(left):
    left.settimeout(0.3)
    try:
        return left.recv(10)  # AW101
    except TimeoutError:
        return b""


async def handler(left):
    return fetch(left)


async def handler_well(left):
    left.setblocking(False)
    try:
        async with asyncio.timeout(0.3):
            return await asyncio.get_running_loop().sock_recv(left, 10)
    except TimeoutError:
        return b""


async def convert():
    subprocess.run(CHILD, check=True)  # AW101


async def convert_well():
    await asyncio.to_thread(subprocess.run, CHILD, check=True)


async def take(source):
    try:
        source.get(timeout=0.3)  # AW101
    except queue.Empty:
        return None


async def take_well(source):
    try:
        await asyncio.to_thread(source.get, timeout=0.3)
    except queue.Empty:
        return None


async def cached(lock):
    if lock.acquire(timeout=0.3):  # AW101
        lock.release()


async def cached_well(lock):
    await asyncio.get_running_loop().run_in_executor(None, lock.acquire, True, 0.3)


async def score(pool):
    pool.submit(time.sleep, 0.3).result()  # AW101


async def score_well(pool):
    await asyncio.wrap_future(pool.submit(time.sleep, 0.3))
    await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.01)


async def main():
    lock, source = threading.Lock(), queue.Queue()
    lock.acquire()
    left, right = socket.socketpair()
    with left, right, concurrent.futures.ThreadPoolExecutor(2) as pool:
        await asyncio.gather(
            charge_well(), handler_well(left), convert_well(), take_well(source), cached_well(lock), score_well(pool)
        )
        for guilty in (charge(), handler(left), convert(), take(source), cached(lock), score(pool)):
            await guilty
            await asyncio.sleep(0.05)
    print("ended")


_loop.run(main())
