"""recv on a blocking socket whose other end takes its time."""

import asyncio
import socket

import _block

left, right = socket.socketpair()


async def healthy():
    left.setblocking(False)
    _block.later(right.send, b"x", seconds=_block.HEALTHY)
    await asyncio.get_running_loop().sock_recv(left, 10)


async def guilty():
    left.setblocking(True)
    _block.later(right.send, b"x")
    with _block.held:
        left.recv(10)  # AW101 code


_block.main(healthy, guilty)
left.close()
right.close()
