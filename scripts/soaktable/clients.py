"""An HTTP client that can go away in the middle of an answer, and a websocket client that can do the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


class Connection:
    """Kept alive from request to request, opened again when it was left."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.busy = False
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, method: str, path: str, body: Any = None) -> asyncio.StreamReader:
        """Write a request; returns where the answer will come from."""
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.abort()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: soak\r\nx-request-id: 1\r\ncontent-length: {len(data)}\r\n"
        self.busy = True
        self._writer.write(f"{head}content-type: application/json\r\n\r\n".encode() + data)
        return self._reader

    async def request(self, method: str, path: str, body: Any = None) -> str:
        """The status of the answer, read to its end."""
        reader = await self.send(method, path, body)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await reader.readexactly(size + 2)
            await reader.readexactly(2)
        else:
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0))
        self.busy = False
        status = head.split(b" ", 2)[1].decode()
        if b"connection: close" in head or status == "500":  # uvicorn closes after a fault, and does not say so
            self.abort()
        return status

    async def leave(self, method: str, path: str, after: float, size: int, reset: bool) -> str:
        """Go away after so many bytes of the answer and so many seconds."""
        reader = await self.send(method, path)
        if size:
            await reader.readexactly(size)
        await asyncio.sleep(after)
        assert self._writer is not None
        if reset:
            self.abort()
        else:
            self._writer.close()
            self._reader = self._writer = None
            self.busy = False
        return "left"

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None
        self.busy = False


async def chat(port: int, messages: int, *, polite: bool) -> str:
    """Say so many things in the chat and hear as many; a client that is not polite is cut off."""
    try:
        async with connect(f"ws://127.0.0.1:{port}/chat", compression=None, open_timeout=20) as socket:
            for number in range(messages):
                await socket.send(f"message {number}")
                async with asyncio.timeout(10):
                    await socket.recv()
            if not polite:
                socket.transport.abort()
    except ConnectionClosed:
        return "closed"
    return "left"


async def echo(port: int, seconds: float, *, polite: bool) -> str:
    try:
        async with connect(f"ws://127.0.0.1:{port}/echo", compression=None, open_timeout=20) as socket:
            await socket.send("hello")
            async with asyncio.timeout(10):
                while await socket.recv() != "hello":
                    pass
            await asyncio.sleep(seconds)
            if not polite:
                socket.transport.abort()
    except ConnectionClosed:
        return "closed"
    return "left"


async def listen(port: int) -> None:
    """A customer who keeps the chat open all the time and only reads."""
    async with connect(f"ws://127.0.0.1:{port}/chat", compression=None, open_timeout=20) as socket:
        async for _ in socket:
            pass
