"""The workloads: each runs one batch on the running loop and returns how many operations that was."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

import trees

BATCH = 1000
DEPTH = 50
CONNECTIONS = 10
ROUNDS = 100
MESSAGE = b"x" * 1023 + b"\n"

Workload = Callable[[], Awaitable[int]]


async def sleep_storm() -> int:
    """Ten tasks that do nothing but give way."""

    async def give_way() -> None:
        for _ in range(BATCH // 10):
            await asyncio.sleep(0)

    await asyncio.gather(*(give_way() for _ in range(10)))
    return BATCH


async def creation_storm() -> int:
    """Tasks that end in their first step, a thousand at a time."""

    async def nothing() -> None:
        pass

    await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(BATCH)])
    return BATCH


async def call_soon_chain() -> int:
    """Callbacks that each schedule the next; no task runs meanwhile."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def step(left: int) -> None:
        if left:
            loop.call_soon(step, left - 1)
        else:
            done.set_result(None)

    loop.call_soon(step, BATCH)
    await done
    return BATCH


async def descend(depth: int, times: int) -> None:
    """Await oneself `depth` deep and give way `times` times at the bottom."""
    if depth:
        await descend(depth - 1, times)
        return
    for _ in range(times):
        await asyncio.sleep(0)


async def deep_await() -> int:
    """Fifty coroutines one inside the other; an operation is such a chain made, resumed twice and ended."""
    for _ in range(20):
        await descend(DEPTH, 2)
    return 20


async def streams_echo() -> int:
    """Ten connections to a streams server in the same process, 1 KiB there and back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(ROUNDS):
            writer.write(MESSAGE)
            await reader.readline()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(talk(port) for _ in range(CONNECTIONS)))
    return CONNECTIONS * ROUNDS


class Echo(asyncio.Protocol):
    """The server's end: what comes goes back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[attr-defined]


class Talk(asyncio.Protocol):
    """The client's end: it sends again what came back, so many times."""

    def __init__(self, done: asyncio.Future[None]) -> None:
        self.done, self.left, self.received = done, ROUNDS, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(MESSAGE)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self.received < len(MESSAGE):
            return
        self.received, self.left = 0, self.left - 1
        if self.left:
            self.transport.write(MESSAGE)  # type: ignore[attr-defined]
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def protocol_echo() -> int:
    """The same with protocols alone: no task, no future on the way."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    try:
        port = server.sockets[0].getsockname()[1]
        for end in ends:
            await loop.create_connection(lambda end=end: Talk(end), "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*ends)
    finally:
        server.close()
        await server.wait_closed()
    return CONNECTIONS * ROUNDS


# asyncio.eager_task_factory came with Python 3.12.
EAGER = hasattr(asyncio, "eager_task_factory")

WORKLOADS: dict[str, Workload] = {
    "sleep(0) storm": sleep_storm,
    "creation storm": creation_storm,
    "call_soon chain": call_soon_chain,
    "deep await": deep_await,
    "streams echo": streams_echo,
    "protocol echo": protocol_echo,
    **{
        f"tree {leaf}{suffix}": trees.workload(leaf, grouped=grouped, eager=eager)
        for suffix, grouped, eager in (("", False, False), (" tg", True, False), (" eager", False, True))
        for leaf in trees.LEAVES
        if EAGER or not eager
    },
}
# Those of a quick run.
QUICK = [name for name in WORKLOADS if not name.startswith("tree") or name in ("tree none", "tree io", "tree none tg")]

# Driven by HTTP from another process, see servers.py.
SERVERS = ("fastapi", "fastapi + middleware", "aiohttp")

if __name__ == "__main__":
    sys.exit("this is no program: see worker.py")
