"""A server on asyncio's own streams, after the standard library's echo server, which speaks a little HTTP."""

import asyncio
import signal
import sys

from faults import FAULTS


async def handle(reader, writer):
    request = await reader.readuntil(b"\r\n\r\n")
    name = request.split()[1].decode().strip("/")
    await FAULTS[name]()
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(handle, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await stop.wait()


asyncio.run(main())
