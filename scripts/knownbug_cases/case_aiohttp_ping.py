"""aiohttp before 3.10.2 drops the task that sends a WebSocket's heartbeat.

The ping waits where every write waits: for a peer that has stopped reading. Here the server never reads, messages
fill the way to it, and one more leaves the writer just below the size at which it waits, so that the ping is next.
"""

import asyncio
import contextlib

import aiohttp
from aiohttp import web

HEARTBEAT = 2.0
# What the writer passes on without waiting, less the header and the mask of one message.
JUST_BELOW = 2**16 - 8


async def open_and_never_read(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await request.app["over"].wait()
    return socket


async def fill(socket):
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        while True:
            await socket.send_bytes(bytes(2**20))


async def talk(url):
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url, heartbeat=HEARTBEAT)
        filling = asyncio.create_task(fill(socket))
        await asyncio.sleep(1)
        await socket.send_bytes(bytes(JUST_BELOW))
        # Half a heartbeat after the ping the client gives the server up, and the ping ends.
        await asyncio.sleep(1.5 * HEARTBEAT)
        filling.cancel()
        await asyncio.wait([filling])
        await socket.close()


async def main():
    app = web.Application()
    app["over"] = asyncio.Event()
    app.router.add_get("/", open_and_never_read)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        await talk(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        app["over"].set()
        await runner.cleanup()


asyncio.run(main())
