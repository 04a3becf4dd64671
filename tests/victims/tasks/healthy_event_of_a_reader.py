"""An event that only a file descriptor's callback can set."""

import asyncio
import socket
import threading

import _task


async def wait_for_it(sock):
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sock, ready.set)
    await ready.wait()
    loop.remove_reader(sock)


async def main():
    near, far = socket.socketpair()
    threading.Timer(2.5, far.send, (b"now",)).start()
    with near, far:
        await asyncio.create_task(wait_for_it(near))


_task.run(main())
