"""The real servers: uvicorn with FastAPI, without and with a middleware, and aiohttp. Each answers one JSON request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

PATH = "/items/7?q=tea"


def listening() -> socket.socket:
    # Of a socket that does not name its protocol asyncio does not know that it is TCP, and leaves Nagle's algorithm on:
    # then each answer waits 40 ms for the client, and what is measured is an idle server.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", 0))
    found.listen(64)
    found.setblocking(False)
    return found


async def look_up(number: int, q: str) -> dict[str, Any]:
    """What a handler awaits in place of a database."""
    await asyncio.sleep(0)
    return {"number": number, "q": q, "tags": ["a", "b"]}


async def fastapi(*, middleware: bool) -> tuple[int, Callable[[], Awaitable[None]]]:
    """Start it; returns its port and what ends it."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None)

    @app.get("/items/{number}")
    async def item(number: int, q: str = "") -> dict[str, Any]:
        return await look_up(number, q)

    if middleware:

        @app.middleware("http")
        async def header(request: Any, call_next: Any) -> Any:
            response = await call_next(request)
            response.headers["x-served-by"] = "bench"
            return response

    # What they parse and run with is the same for all ways: pure Python and the loop that runs already.
    settings = uvicorn.Config(
        app, http="h11", ws="none", loop="none", lifespan="off", log_level="error", access_log=False
    )
    server = uvicorn.Server(settings)
    server.capture_signals = contextless  # type: ignore[assignment,method-assign]
    door = listening()
    task = asyncio.create_task(server.serve(sockets=[door]))
    while not server.started:
        await asyncio.sleep(0.01)

    async def stop() -> None:
        server.should_exit = True
        await task

    return door.getsockname()[1], stop


class contextless:
    """In place of uvicorn's own handling of signals: this process ends otherwise."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


async def aiohttp() -> tuple[int, Callable[[], Awaitable[None]]]:
    """Start it; returns its port and what ends it."""
    from aiohttp import web

    async def item(request: web.Request) -> web.Response:
        return web.json_response(await look_up(int(request.match_info["number"]), request.query.get("q", "")))

    app = web.Application()
    app.add_routes([web.get("/items/{number}", item)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    door = listening()
    await web.SockSite(runner, door).start()
    return door.getsockname()[1], runner.cleanup


def import_fastapi() -> None:
    import fastapi  # noqa: F401
    import uvicorn  # noqa: F401
    from fastapi.responses import JSONResponse  # noqa: F401
    from uvicorn.protocols.http import h11_impl  # noqa: F401


def import_aiohttp() -> None:
    from aiohttp import web  # noqa: F401


# What each imports, before a loop runs: an import reads files, which a peer forbids.
IMPORT: dict[str, Callable[[], None]] = {
    "fastapi": import_fastapi,
    "fastapi + middleware": import_fastapi,
    "aiohttp": import_aiohttp,
}
START: dict[str, Callable[[], Awaitable[tuple[int, Callable[[], Awaitable[None]]]]]] = {
    "fastapi": lambda: fastapi(middleware=False),
    "fastapi + middleware": lambda: fastapi(middleware=True),
    "aiohttp": aiohttp,
}
