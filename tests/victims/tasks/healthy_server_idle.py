"""A server that waits for connections, and connections on which nothing comes for long."""

import asyncio

import _task


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def talk(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        await asyncio.sleep(1.3)
        writer.write(b"hello\n")
        await reader.readline()
    writer.close()
    await writer.wait_closed()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        await asyncio.gather(talk(port), talk(port))
        await asyncio.sleep(0.1)


_task.run(main())
