"""What the service holds while it lives: its pools, its queue, its background tasks."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import asyncpg
import httpx
from cache import Cache
from fastapi import Request
from redis import asyncio as redis

UPSTREAM = os.environ["SOAK_UPSTREAM"]
OUTBOUND_AT_ONCE = 8
SCHEMA = """
CREATE TABLE IF NOT EXISTS items (id int PRIMARY KEY, name text NOT NULL, stock int NOT NULL);
CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, item int NOT NULL, placed timestamptz DEFAULT now());
INSERT INTO items SELECT n, 'item ' || n, 1000000 FROM generate_series(1, 100) AS n ON CONFLICT DO NOTHING;
TRUNCATE orders;
"""


class Hub:
    """Gives each message to everybody who listens; who does not keep up loses the oldest."""

    def __init__(self) -> None:
        self.listeners: set[asyncio.Queue[str]] = set()

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Queue[str]]:
        queue: asyncio.Queue[str] = asyncio.Queue(100)
        self.listeners.add(queue)
        try:
            yield queue
        finally:
            self.listeners.discard(queue)

    def publish(self, message: str) -> None:
        # A copy: a listener that was left to the collector may go in the middle of this.
        for queue in list(self.listeners):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)


@dataclasses.dataclass
class Resources:
    """Made once, in the lifespan."""

    redis: redis.Redis
    pool: asyncpg.Pool
    http: httpx.AsyncClient
    session: aiohttp.ClientSession
    executor: ThreadPoolExecutor
    hub: Hub = dataclasses.field(default_factory=Hub)
    cache: Cache = dataclasses.field(default_factory=Cache)
    jobs: asyncio.Queue[str] = dataclasses.field(default_factory=lambda: asyncio.Queue(1000))
    outbound: asyncio.Semaphore = dataclasses.field(default_factory=lambda: asyncio.Semaphore(OUTBOUND_AT_ONCE))
    tasks: set[asyncio.Task[Any]] = dataclasses.field(default_factory=set)
    done: dict[str, int] = dataclasses.field(default_factory=dict)

    def background(self, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that is held until it is done, as asyncio's documentation recommends."""
        task = asyncio.create_task(coro)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Resources]:
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(redis.from_url(os.environ["SOAK_REDIS"], decode_responses=True))
        dsn = os.environ["SOAK_POSTGRES"]
        pool = await stack.enter_async_context(asyncpg.create_pool(dsn, min_size=2, max_size=8, command_timeout=10))
        await pool.execute(SCHEMA)
        # Reading the certificates takes a tenth of a second.
        context = await asyncio.to_thread(httpx.create_ssl_context)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=UPSTREAM, timeout=2, verify=context))
        timeout = aiohttp.ClientTimeout(total=2)
        session = await stack.enter_async_context(aiohttp.ClientSession(UPSTREAM, timeout=timeout))
        executor = ThreadPoolExecutor(4)
        stack.push_async_callback(asyncio.to_thread, executor.shutdown)
        yield Resources(client, pool, http, session, executor)


def resources(request: Request) -> Resources:
    """The dependency that hands them to a route."""
    return request.app.state.resources
