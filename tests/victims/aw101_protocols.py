"""Protocols and streams: uvloop runs these callbacks from C, where its own debug mode measures nothing."""

import asyncio
import time

import _loop


class Parser(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        time.sleep(0.3)  # AW101
        self.transport.write(data)


class GoodParser(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)
        self.transport.close()


class Greeter(asyncio.Protocol):
    def connection_made(self, transport):
        time.sleep(0.3)  # AW101
        transport.close()


class Statistics(asyncio.DatagramProtocol):
    def datagram_received(self, data, address):
        time.sleep(0.3)  # AW101


class GoodStatistics(asyncio.DatagramProtocol):
    seen = 0

    def datagram_received(self, data, address):
        self.seen += 1


async def handle(reader, writer):
    line = await reader.readline()
    time.sleep(0.3)  # AW101
    writer.write(line)
    writer.close()


async def handle_well(reader, writer):
    line = await reader.readline()
    await asyncio.sleep(0.15)
    writer.write(line)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def ask(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello\n")
    answer = await reader.readline()
    writer.close()
    await asyncio.sleep(0.05)
    return answer


async def served(server):
    async with server:
        return await ask(server.sockets[0].getsockname()[1])


async def datagrams(protocol):
    loop = asyncio.get_running_loop()
    receiver, _ = await loop.create_datagram_endpoint(protocol, local_addr=("127.0.0.1", 0))
    address = receiver.get_extra_info("sockname")
    sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
    sender.sendto(b"x")
    await asyncio.sleep(0.06)
    sender.close()
    receiver.close()


async def main():
    loop = asyncio.get_running_loop()
    for protocol in (GoodParser, Parser, Greeter):
        print(await served(await loop.create_server(protocol, "127.0.0.1", 0)))
    for handler in (handle_well, handle):
        print(await served(await asyncio.start_server(handler, "127.0.0.1", 0)))
    for protocol in (GoodStatistics, Statistics):
        await datagrams(protocol)


_loop.run(main())
