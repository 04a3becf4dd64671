# no line: AW402
"""Connections that nobody closes, beside ones that are closed in each of the ways there are.

A server's handler that forgets to close has no line of its own: asyncio made the connection.
"""

import asyncio
import contextlib
import gc

import _loop


async def hold(reader, writer):
    await reader.read()


async def echo(reader, writer):
    with contextlib.closing(writer):
        writer.write(await reader.readline())
        await writer.drain()
    await writer.wait_closed()


async def ask(address):
    reader, writer = await asyncio.open_connection(*address)  # AW402
    writer.write(b"hello\n")
    return await reader.readline()


async def ask_and_close(address):
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"hello\n")
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def ask_and_abort(address):
    _, writer = await asyncio.open_connection(*address)
    writer.transport.abort()
    await asyncio.sleep(0)


async def ask_and_close_later(address):
    _, writer = await asyncio.open_connection(*address)
    asyncio.get_running_loop().call_later(0.02, writer.close)


async def connect_and_close(address):
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *address)
    transport.close()


async def closed_by_the_other_side(address):
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *address)
    transport.write(b"hello\n")
    await asyncio.sleep(0.05)


def collect():
    gc.collect()


async def main():
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        for way in (ask_and_close, ask_and_abort, ask_and_close_later, connect_and_close, closed_by_the_other_side):
            print(way.__name__, await way(address))
        await asyncio.sleep(0.1)
        collect()
        print(await ask(address))
        collect()
        await asyncio.sleep(0.05)
    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        await ask_and_close_quickly(server.sockets[0].getsockname())
        await asyncio.sleep(0.05)
        collect()


async def ask_and_close_quickly(address):
    _, writer = await asyncio.open_connection(*address)
    writer.close()
    await writer.wait_closed()


_loop.run(main())
