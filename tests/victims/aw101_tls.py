"""TLS: what a server does in the middle of a handshake, and what its protocols do with what was deciphered."""

import asyncio
import pathlib
import ssl
import time

import _loop

CERTIFICATE = pathlib.Path(__file__).with_name("_localhost.pem")


def choose(connection, name, context):
    time.sleep(0.3)  # AW101


def choose_well(connection, name, context):
    time.sleep(0.002)


class Secret(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        time.sleep(0.3)  # AW101
        self.transport.write(data)


class GoodSecret(Secret):
    def data_received(self, data):
        asyncio.get_running_loop().call_later(0.05, self.transport.write, data)


class Welcome(Secret):
    def connection_made(self, transport):
        time.sleep(0.3)  # AW101
        super().connection_made(transport)

    def data_received(self, data):
        self.transport.write(data)


async def ask(protocol, chosen):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    context.sni_callback = chosen
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=context)
    async with server:
        trust = ssl.create_default_context(cafile=CERTIFICATE)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=trust, server_hostname="localhost")
        writer.write(b"hello\n")
        print(await reader.readline())
        await asyncio.sleep(0.05)
        writer.close()
        await writer.wait_closed()


async def main():
    await ask(GoodSecret, choose_well)
    await ask(GoodSecret, choose)
    await ask(Secret, choose_well)
    await ask(Welcome, choose_well)


_loop.run(main())
