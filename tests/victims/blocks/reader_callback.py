"""A callback of add_reader blocks."""

import asyncio
import socket
import time

import _block


def on_readable(sock, done):
    sock.recv(10)
    done.set_result(None)


def on_readable_slowly(sock, done):
    with _block.held:
        time.sleep(_block.LENGTH)  # AW101 code
    on_readable(sock, done)


async def wait(callback):
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    left.setblocking(False)
    with left, right:
        done = loop.create_future()
        loop.add_reader(left, callback, left, done)
        right.send(b"x")
        await done
        loop.remove_reader(left)


async def healthy():
    await wait(on_readable)


async def guilty():
    await wait(on_readable_slowly)


_block.main(healthy, guilty)
