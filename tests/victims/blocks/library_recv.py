"""recv deep in a library: an HTTP client of the standard library asks a slow server."""

import asyncio
import http.client

import _block

PORT = _block.slow_server(2)


def connect():
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    connection.request("GET", "/")
    return connection


def fetch():
    connection = connect()
    connection.getresponse().read()
    connection.close()


async def healthy():
    await asyncio.to_thread(fetch)


async def guilty():
    connection = connect()
    with _block.held:
        connection.getresponse()  # AW101 code
    connection.close()


_block.main(healthy, guilty)
