"""The rarer callbacks of transports and file descriptors: a lost connection, a buffer, a pipe, a writer."""

import asyncio
import os
import socket
import time

import _loop


class Lost(asyncio.Protocol):
    def connection_lost(self, error):
        time.sleep(0.3)  # AW101


class Filled(asyncio.BufferedProtocol):
    buffer = bytearray(10)

    def get_buffer(self, hint):
        return self.buffer

    def buffer_updated(self, count):
        time.sleep(0.3)  # AW101


class Piped(asyncio.Protocol):
    def data_received(self, data):
        time.sleep(0.3)  # AW101


class GoodProtocol(asyncio.Protocol):
    def data_received(self, data):
        time.sleep(0.002)

    def eof_received(self):
        time.sleep(0.002)

    def connection_lost(self, error):
        time.sleep(0.002)


def on_writable(loop, sock):
    loop.remove_writer(sock)
    time.sleep(0.3)  # AW101


def on_writable_well(loop, sock):
    loop.remove_writer(sock)


async def connected(loop, protocol):
    left, right = socket.socketpair()
    left.setblocking(False)
    with right:
        await loop.create_connection(protocol, sock=left)
        right.send(b"x")
        await asyncio.sleep(0.03)
    await asyncio.sleep(0.03)


async def piped(loop, protocol):
    reading, writing = os.pipe()
    transport, _ = await loop.connect_read_pipe(protocol, os.fdopen(reading, "rb"))
    os.write(writing, b"x")
    await asyncio.sleep(0.03)
    os.close(writing)
    await asyncio.sleep(0.03)
    transport.close()


async def main():
    loop = asyncio.get_running_loop()
    for protocol in (GoodProtocol, Lost, Filled):
        await connected(loop, protocol)
    for protocol in (GoodProtocol, Piped):
        await piped(loop, protocol)
    for writable in (on_writable_well, on_writable):
        left, right = socket.socketpair()
        with left, right:
            loop.add_writer(left, writable, loop, left)
            await asyncio.sleep(0.03)
    print("ended")


_loop.run(main())
