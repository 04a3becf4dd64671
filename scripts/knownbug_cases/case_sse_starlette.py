"""sse-starlette before 3.1.2 starts one more task that never ends for every stream of events.

The application is called as a server calls it; each client leaves at once.
"""

import asyncio

from sse_starlette.sse import EventSourceResponse

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}
CLIENTS = 60


async def events():
    yield {"data": "hello"}


async def receive():
    await asyncio.sleep(0.01)
    return {"type": "http.disconnect"}


async def send(message):
    pass


async def main():
    for _ in range(CLIENTS):
        await asyncio.create_task(EventSourceResponse(events())(SCOPE, receive, send))
        await asyncio.sleep(0.04)
    await asyncio.sleep(1)


asyncio.run(main())
