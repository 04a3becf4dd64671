"""The service behind the service: answers /ok at once, /slow after 0.3 s, /hang never, and hangs up at /reset."""

from __future__ import annotations

import asyncio
import sys

SECONDS = {b"/ok": 0.002, b"/slow": 0.3}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1]
            if path == b"/reset":
                break
            await asyncio.sleep(SECONDS.get(path, 3600))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    except (EOFError, OSError):
        pass
    finally:
        writer.transport.abort()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
