"""Protocol methods, server handlers and generators whose exceptions reach the loop, beside ones that deal with theirs."""

import asyncio
import gc

import _loop

seen = []


class Lost(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"hello")

    def connection_lost(self, exc):
        raise ValueError("connection_lost")  # AW403


class Datagrams(asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        raise ValueError("datagram_received")  # AW403


class GoodLost(Lost):
    def connection_lost(self, exc):
        seen.append("lost")


class GoodDatagrams(asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        seen.append(len(data))


async def good_handler(reader, writer):
    try:
        int(await reader.read(100))
    except ValueError:
        writer.write(b"no number")
    writer.close()
    await writer.wait_closed()


async def rows():
    try:
        yield 1
        yield 2
    finally:
        seen.append("closed")
        raise KeyError("while closing")  # AW204


async def more_rows():
    try:
        yield 1
        yield 2
    finally:
        raise KeyError("while the loop closes it")  # AW403


async def good_rows():
    try:
        yield 1
        yield 2
    finally:
        seen.append("closed well")


async def left(generator):
    async for row in generator:  # AW302
        return row


async def first(generator):
    return await anext(generator)  # AW302


async def connect(protocol):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)


async def send(protocol):
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(protocol, ("127.0.0.1", 0))
    client, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=server.get_extra_info("sockname")
    )
    client.sendto(b"hello")
    await asyncio.sleep(0.05)
    client.close()
    server.close()
    await asyncio.sleep(0.05)


async def serve(handler):
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        print(await reader.read(100))
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)


async def main():
    await connect(GoodLost)
    await send(GoodDatagrams)
    await serve(good_handler)
    await left(good_rows())
    gc.collect()
    await asyncio.sleep(0.05)
    print(seen)
    await connect(Lost)
    await send(Datagrams)
    await left(rows())
    gc.collect()
    await asyncio.sleep(0.05)
    held.extend([more_rows(), good_rows()])
    for generator in held:
        await first(generator)


held = []
_loop.run(main())
