"""A healthy service, written as the documentation of its libraries recommends. Nothing here knows of asyncwatch.

`SOAK_LEAK` switches one planted fault on (leaks.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable

import background
import data
import leaks
import live
import probe
import work
from fastapi import FastAPI, Request, Response
from resources import opened

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with opened() as held, background.running(held):
        app.state.resources = held
        app.state.ready = asyncio.Event()
        app.state.ready.set()
        yield


app = FastAPI(title="soak", lifespan=lifespan)
for module in (data, live, work, probe, leaks):
    app.include_router(module.router)


@app.middleware("http")
async def name_the_request(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    token = request_id.set(request.headers.get("x-request-id", "-"))
    try:
        response = await call_next(request)
        response.headers["x-request-id"] = request_id.get()
        return response
    finally:
        request_id.reset(token)


@app.get("/health")
async def health() -> dict[str, str]:
    await app.state.ready.wait()
    return {"status": "ok"}
