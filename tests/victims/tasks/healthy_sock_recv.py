"""A socket by hand: nothing comes for long, then a message."""

import asyncio
import socket
import threading

import _task


async def receive(sock):
    return await asyncio.get_running_loop().sock_recv(sock, 100)


async def main():
    near, far = socket.socketpair()
    near.setblocking(False)
    threading.Timer(2.6, far.send, (b"now",)).start()
    with near, far:
        await asyncio.create_task(receive(near))


_task.run(main())
