"""aiohttp before 3.10.4 does not ask how the task that sends a WebSocket's heartbeat ended.

The server goes away and the program is not reading just then, so the ping is the first to notice.
"""

import asyncio
import gc

import aiohttp
from aiohttp import web


async def hang_up(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    request.transport.abort()
    return socket


async def main():
    app = web.Application()
    app.router.add_get("/", hang_up)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(url, heartbeat=0.5)
        await asyncio.sleep(1)
        gc.collect()
        await socket.close()
    await runner.cleanup()


asyncio.run(main())
