"""A protocol whose data_received blocks: uvloop calls it from C."""

import asyncio
import time

import _block


class Good(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        asyncio.get_running_loop().call_later(_block.HEALTHY, self.transport.close)


class Bad(Good):
    def data_received(self, data):
        with _block.held:
            time.sleep(_block.LENGTH)  # AW101 code
        self.transport.close()


async def ask(protocol):
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        await reader.read()
        writer.close()


async def healthy():
    await ask(Good)


async def guilty():
    await ask(Bad)


_block.main(healthy, guilty)
