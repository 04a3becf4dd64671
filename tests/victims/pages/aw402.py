"""A server that says one line and hangs up when its peer does."""

import asyncio
import gc


async def serve(reader, writer):
    writer.write(b"hello\n")
    await reader.read()
    writer.close()


# PAGE


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        assert await ask(*server.sockets[0].getsockname()) == b"hello\n"
        gc.collect()
        await asyncio.sleep(0.1)


asyncio.run(main())
