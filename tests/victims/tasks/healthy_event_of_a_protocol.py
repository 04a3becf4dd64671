"""An event that only a transport's protocol can set, when the other side goes away."""

import asyncio
import socket
import threading

import _task


class Client(asyncio.Protocol):
    def __init__(self):
        self.closed = asyncio.Event()

    def connection_lost(self, error):
        self.closed.set()


async def talk(sock):
    _, client = await asyncio.get_running_loop().create_connection(Client, sock=sock)
    await client.closed.wait()


async def main():
    near, far = socket.socketpair()
    threading.Timer(2.5, far.close).start()
    await asyncio.create_task(talk(near))


_task.run(main())
