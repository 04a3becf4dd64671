"""Plain callbacks that hold the loop: there is no task to name, only a line."""

import asyncio
import functools
import os
import signal
import socket
import threading
import time

import _loop


def refresh():
    time.sleep(0.3)  # AW101


def refresh_later(seconds):
    time.sleep(seconds)  # AW101


class Cache:
    def reload(self):
        time.sleep(0.3)  # AW101


def finished(task):
    time.sleep(0.3)  # AW101


def on_readable(sock):
    sock.recv(10)
    time.sleep(0.3)  # AW101


def on_signal():
    time.sleep(0.3)  # AW101


def from_thread():
    time.sleep(0.3)  # AW101


def brief(*_):
    time.sleep(0.005)


async def quick():
    await asyncio.sleep(0.01)


async def gap():
    await asyncio.sleep(0.06)


async def bad(loop, left, right):
    loop.call_soon(refresh)
    await gap()
    loop.call_later(0.01, functools.partial(refresh_later, 0.3))
    await asyncio.sleep(0.4)
    loop.call_at(loop.time() + 0.01, Cache().reload)
    await asyncio.sleep(0.4)
    task = asyncio.create_task(quick())
    task.add_done_callback(finished)
    await task
    await gap()
    loop.add_reader(left, on_readable, left)
    right.send(b"x")
    await gap()
    loop.remove_reader(left)
    loop.add_signal_handler(signal.SIGUSR1, on_signal)
    os.kill(os.getpid(), signal.SIGUSR1)
    await gap()
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(from_thread,))
    thread.start()
    await gap()
    thread.join()


async def good(loop, left, right):
    loop.call_soon(brief)
    loop.call_later(0.01, brief)
    task = asyncio.create_task(quick())
    task.add_done_callback(brief)
    await task
    loop.add_reader(left, lambda: brief(left.recv(10)))
    right.send(b"x")
    await gap()
    loop.remove_reader(left)
    loop.add_signal_handler(signal.SIGUSR1, brief)
    os.kill(os.getpid(), signal.SIGUSR1)
    await gap()
    # Each of these is short; that they stand in a row makes none of them slow.
    for _ in range(10):
        loop.call_soon(brief)
    await gap()
    loop.remove_signal_handler(signal.SIGUSR1)


async def main():
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    left.setblocking(False)
    with left, right:
        await good(loop, left, right)
        await bad(loop, left, right)
    print("ended")


_loop.run(main())
