"""ypy-websocket before 0.8.4 drops the task that passes a message on to a client, which lasts when that client is slow.

The server takes any object that is iterated for messages, sends, and has a path.
"""

import asyncio

from ypy_websocket import WebsocketServer

AWARENESS = b"\x01"


class SlowClient:
    path = "notes"

    def __init__(self):
        self.inbox = asyncio.Queue()

    def __aiter__(self):
        return self

    async def __anext__(self):
        message = await self.inbox.get()
        if message is None:
            raise StopAsyncIteration
        return message

    async def send(self, message):
        if message[:1] == AWARENESS:
            await asyncio.sleep(1.5)

    async def recv(self):
        return await self.inbox.get()


async def main():
    client = SlowClient()
    serving = asyncio.create_task(WebsocketServer().serve(client))
    await client.inbox.put(AWARENESS + b"cursor")
    await asyncio.sleep(2)
    await client.inbox.put(None)
    await serving


asyncio.run(main())
