"""An ASGI application with one line that blocks the loop; it answers with its process id."""

import os
import time


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        kind = ""
        while kind != "lifespan.shutdown":
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        time.sleep(0.25)  # PLANTED
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
