"""Three loops in three threads, loops that come and go, one loop that is run again: by other code, by another thread."""

import asyncio
import socket
import threading
import time

import _loop


async def in_task():
    await asyncio.sleep(0.02)
    time.sleep(0.3)  # AW101
    await asyncio.sleep(0.02)


def in_callback():
    time.sleep(0.3)  # AW101


async def calls():
    asyncio.get_running_loop().call_later(0.02, in_callback)
    await asyncio.sleep(0.1)


class Protocol(asyncio.Protocol):
    def data_received(self, data):
        time.sleep(0.3)  # AW101


async def receives():
    left, right = socket.socketpair()
    with right:
        transport, _ = await asyncio.get_running_loop().create_connection(Protocol, sock=left)
        right.send(b"x")
        await asyncio.sleep(0.1)
        transport.close()


async def well():
    for _ in range(5):
        time.sleep(0.002)
        await asyncio.sleep(0.02)


async def come_and_go():
    time.sleep(0.002)
    await asyncio.sleep(0)


def many():
    for _ in range(40):
        _loop.run(come_and_go())


def again(loop):
    time.sleep(0.3)  # AW101
    loop.call_later(0.05, loop.stop)


def run_again(loop):
    loop.call_soon(again, loop)
    loop.run_forever()


async def elsewhere():
    time.sleep(0.3)  # AW101


def at_once():
    time.sleep(0.3)  # AW101


async def with_another():
    # Made by this thread, run by another: its first callback blocks while this loop waits, and is well.
    loop = _loop.factory()
    loop.call_soon(at_once)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    await asyncio.sleep(0.35)
    loop.call_soon_threadsafe(loop.stop)
    await asyncio.to_thread(thread.join)
    loop.close()


def in_threads(*functions):
    threads = [threading.Thread(target=function, name=function.__name__) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(coro):
    def thread():
        _loop.run(coro())

    thread.__name__ = coro.__name__
    return thread


def main():
    in_threads(run(in_task), run(calls), run(receives), run(well), many)
    loop = _loop.factory()
    loop.run_until_complete(well())
    run_again(loop)
    in_threads(lambda: loop.run_until_complete(elsewhere()))
    loop.close()
    _loop.run(with_another())
    print("ended")


main()
