"""Loops that hang: said while it lasts. What merely waits long gives control back."""
# options: --hang-after 0.5

import asyncio
import socket
import threading
import time

import _loop

LENGTH = 0.8


def spin():
    end = time.thread_time() + LENGTH
    while time.thread_time() < end:  # AW101 AW102
        pass


async def computes():
    spin()


async def waits_for_a_lock(lock):
    lock.acquire(timeout=LENGTH)  # AW101 AW102


async def waits_for_a_socket(left):
    left.settimeout(LENGTH)
    try:
        left.recv(10)  # AW101 AW102
    except TimeoutError:
        pass


async def long_but_not_hung():
    time.sleep(0.25)  # AW101


async def waits_well(left):
    left.setblocking(False)
    try:
        async with asyncio.timeout(LENGTH):
            await asyncio.get_running_loop().sock_recv(left, 10)
    except TimeoutError:
        pass


async def computes_well():
    end = time.monotonic() + LENGTH
    while time.monotonic() < end:
        time.sleep(0.01)
        await asyncio.sleep(0.01)


async def main():
    lock = threading.Lock()
    lock.acquire()
    left, right = socket.socketpair()
    with left, right:
        await asyncio.gather(waits_well(left), computes_well())
        for guilty in (computes(), waits_for_a_lock(lock), waits_for_a_socket(left), long_but_not_hung()):
            await guilty
            await asyncio.sleep(0.05)
    print("ended")


_loop.run(main())
