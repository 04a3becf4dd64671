"""Routes that stay open: websockets, server-sent events, a download."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import leaks
from fastapi import APIRouter, Depends, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from resources import Hub, Resources, resources

router = APIRouter()
# Longer than what a request to cancel is given.
TICKS_FOR = 5.0
CHUNK = b"x" * 16_384


@router.websocket("/chat")
async def chat(websocket: WebSocket) -> None:
    """Reading and writing at once; whichever ends first ends the other."""
    await websocket.accept()
    held: Resources = websocket.app.state.resources
    await leaks.on_connection(held)
    with held.hub.listen() as news:
        reading = asyncio.create_task(read(websocket, held))
        writing = asyncio.create_task(write(websocket, news))
        done, pending = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        ended = await asyncio.gather(*done, *pending, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect | RuntimeError):
            raise error


async def read(websocket: WebSocket, held: Resources) -> None:
    async for text in websocket.iter_text():
        await held.redis.publish("soak:news", text)


async def write(websocket: WebSocket, news: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await news.get())


@router.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    """The plain kind, with a beat beside it in a task group."""
    await websocket.accept()
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(beat(websocket))
            try:
                while True:
                    await websocket.send_text(await websocket.receive_text())
            except WebSocketDisconnect:
                beating.cancel()
    except* RuntimeError:
        pass  # the beat found the connection closed


async def beat(websocket: WebSocket) -> None:
    while True:
        await asyncio.sleep(0.05)
        await websocket.send_json({"beat": True})


@router.get("/events")
async def events(request: Request, held: Annotated[Resources, Depends(resources)]) -> StreamingResponse:
    """Server-sent events, until the client goes away or half a second is over."""
    return StreamingResponse(stream(request, held.hub), media_type="text/event-stream")


async def stream(request: Request, hub: Hub) -> AsyncIterator[str]:
    with hub.listen() as news:
        yield "event: hello\n\n"
        end = asyncio.get_running_loop().time() + 0.5
        while asyncio.get_running_loop().time() < end and not await request.is_disconnected():
            try:
                message = await asyncio.wait_for(news.get(), 0.1)
            except TimeoutError:
                yield ": still here\n\n"
            else:
                yield f"data: {message}\n\n"


@router.get("/ticker")
async def ticker(request: Request) -> StreamingResponse:
    """A stream that never pauses and asks before each word whether anybody listens, by way of anyio's cancel scopes."""

    async def words() -> AsyncIterator[str]:
        end = asyncio.get_running_loop().time() + TICKS_FOR
        while asyncio.get_running_loop().time() < end and not await request.is_disconnected():
            yield "tick\n"
            await asyncio.sleep(0)

    return StreamingResponse(words(), media_type="text/plain")


@router.get("/download")
async def download() -> StreamingResponse:
    """Two megabytes; who reads slowly slows the writer down."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(128):
            yield CHUNK
            await asyncio.sleep(0)

    return StreamingResponse(chunks(), media_type="application/octet-stream")
