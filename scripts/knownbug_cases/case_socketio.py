"""python-socketio before 5.11.0 drops the task in which it runs an event's handler."""

import asyncio

import socketio
from aiohttp import web

# The engine below it drops its ping tasks, too, by the same helper. With this interval each has ended before anybody
# could call it dropped, so that what is found is the handler's.
server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=0.2)
ended = asyncio.Event()


@server.on("order")
async def order(sid, data):
    await asyncio.sleep(1.5)
    ended.set()


async def main():
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = socketio.AsyncClient()
    await client.connect(f"http://127.0.0.1:{runner.addresses[0][1]}", transports=["websocket"])
    await client.emit("order", {"number": 1})
    await asyncio.wait_for(ended.wait(), 10)
    await client.disconnect()
    await runner.cleanup()


asyncio.run(main())
