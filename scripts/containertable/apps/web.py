"""A service under uvicorn, that says when it begins and ends, and asks itself for its slow page."""

import asyncio
import time
import urllib.request


def visit():
    for _ in range(100):
        try:
            return urllib.request.urlopen("http://127.0.0.1:8000/").read()
        except OSError:
            time.sleep(0.1)


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        visiting = asyncio.create_task(asyncio.to_thread(visit))
        await receive()
        await visiting
        print("ended well", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    time.sleep(0.25)  # PLANTED
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"slow"})
    print("ready", flush=True)
