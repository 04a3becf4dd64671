"""A server's handler that fails: whichever rule this Python makes of it, it is said once, at the raising line."""

import asyncio

import _loop


async def handler(reader, writer):
    try:
        await answer(reader, writer)
    finally:
        writer.close()


async def answer(reader, writer):
    line = await reader.readline()
    writer.write(b"%d" % int(line))  # AW403? AW204?
    await writer.drain()


async def main():
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        for line in (b"1\n", b"2\n", b"three\n"):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(line)
            print(await reader.read(100))
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.05)


_loop.run(main())
