"""Exceptions that escape from callbacks and protocols, beside callbacks that deal with theirs."""

import asyncio
import os
import signal
import socket

import _loop

seen = []


def refresh():
    raise ValueError("soon")  # AW403


def parse(text):
    return int(text)  # AW403


def refresh_later():
    parse("not a number")


def finished(task):
    raise ValueError("done callback")  # AW403


def on_signal():
    raise ValueError("signal")  # AW403


def readable(sock):
    sock.recv(10)
    raise ValueError("reader")  # AW403


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        raise ValueError("protocol")  # AW403


class GoodServer(Server):
    def data_received(self, data):
        try:
            int(data)
        except ValueError:
            self.transport.write(b"no")
        self.transport.close()


def careful(*args):
    try:
        int("not a number")
    except ValueError as error:
        seen.append(str(error))


async def talk(protocol):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"hello")
        print(await reader.read(100))
        writer.close()
        await asyncio.sleep(0.05)


async def register(loop, soon, later, done, reader, signalled):
    left, right = socket.socketpair()
    left.setblocking(False)
    loop.call_soon(soon)
    loop.call_later(0.01, later)
    task = asyncio.create_task(asyncio.sleep(0.01))
    task.add_done_callback(done)
    await task
    with left, right:
        loop.add_reader(left, reader, left)
        right.send(b"x")
        await asyncio.sleep(0.05)
        loop.remove_reader(left)
    loop.add_signal_handler(signal.SIGUSR1, signalled)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0.05)


def read_carefully(sock):
    sock.recv(10)
    careful()


async def main():
    loop = asyncio.get_running_loop()
    await register(loop, careful, careful, careful, read_carefully, careful)
    await talk(GoodServer)
    print(len(seen))
    await register(loop, refresh, refresh_later, finished, readable, on_signal)
    await talk(Server)


_loop.run(main())
