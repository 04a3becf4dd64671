"""What runs beside the requests: listeners, consumers, queue workers, a scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from redis.exceptions import ResponseError
from resources import Resources

WORKERS = 3
STREAM, GROUP = "soak:events", "soak"
log = logging.getLogger("soak")


async def listen_redis(held: Resources) -> None:
    """Publish and subscribe: what any process says reaches the websockets of this one."""
    async with held.redis.pubsub() as channel:
        await channel.subscribe("soak:news")
        async for message in channel.listen():
            if message["type"] == "message":
                held.hub.publish(message["data"])


async def consume_list(held: Resources) -> None:
    """A work list, read with a timeout so that a dead connection is noticed."""
    while True:
        popped = await held.redis.blpop(["soak:jobs"], timeout=1)
        if popped is not None:
            await held.jobs.put(popped[1])


async def consume_stream(held: Resources) -> None:
    """A stream with a consumer group; each entry is acknowledged when it is queued."""
    with contextlib.suppress(ResponseError):  # the group is there already
        await held.redis.xgroup_create(STREAM, GROUP, id="$", mkstream=True)
    while True:
        for _, entries in await held.redis.xreadgroup(GROUP, "one", {STREAM: ">"}, count=16, block=1000):
            for number, fields in entries:
                await held.jobs.put(fields["job"])
                await held.redis.xack(STREAM, GROUP, number)


async def work(held: Resources) -> None:
    """One of several workers of the queue; a job that fails does not end it."""
    while True:
        job = await held.jobs.get()
        try:
            async with asyncio.timeout(2):
                await run_job(held, json.loads(job))
        except (TimeoutError, LookupError) as error:
            log.info("job failed: %r", error)
        finally:
            held.jobs.task_done()


async def run_job(held: Resources, job: dict[str, Any]) -> None:
    if job.get("bad"):
        raise LookupError(job["bad"])
    async with held.redis.pipeline(transaction=True) as pipe:
        await pipe.incr("soak:done").expire("soak:done", 60).execute()
    held.count("jobs")


@contextlib.asynccontextmanager
async def listening_to_postgres(held: Resources) -> AsyncIterator[None]:
    """LISTEN on a connection of its own, as asyncpg asks for."""

    def heard(connection: asyncpg.Connection, pid: int, channel: str, payload: str) -> None:
        held.hub.publish(payload)

    async with held.pool.acquire() as connection:
        await connection.add_listener("soak_orders", heard)
        try:
            yield
        finally:
            await connection.remove_listener("soak_orders", heard)


@contextlib.contextmanager
def scheduled(held: Resources) -> Any:
    """APScheduler in the running loop."""
    scheduler = AsyncIOScheduler()
    scheduler.add_job(beat, "interval", seconds=0.5, args=[held], max_instances=1, coalesce=True)
    scheduler.add_job(tidy, "interval", seconds=1, args=[held], max_instances=1, coalesce=True)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


async def beat(held: Resources) -> None:
    await held.redis.set("soak:alive", "1", ex=5)
    await held.redis.publish("soak:news", "beat")


async def tidy(held: Resources) -> None:
    """Keep the tables and the stream short."""
    await held.pool.execute("DELETE FROM orders WHERE placed < now() - interval '5 seconds'")
    await held.redis.xtrim(STREAM, maxlen=1000, approximate=True)
    held.count("tidied")


async def measure(held: Resources) -> None:
    """A periodic loop of the plain kind."""
    loop = asyncio.get_running_loop()
    following = loop.time()
    while True:
        following += 0.25
        await asyncio.sleep(max(0.0, following - loop.time()))
        held.done["queued"] = held.jobs.qsize()


@contextlib.asynccontextmanager
async def running(held: Resources) -> AsyncIterator[None]:
    """All of it, in a task group that ends with the service."""
    async with listening_to_postgres(held), asyncio.TaskGroup() as group:
        consumers = [group.create_task(what(held)) for what in (listen_redis, consume_list, consume_stream, measure)]
        workers = [group.create_task(work(held), name=f"worker-{number}") for number in range(WORKERS)]
        with scheduled(held):
            yield
        for task in consumers:
            task.cancel()
        # What has been accepted is finished, but not for ever.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await held.jobs.join()
        for task in [*workers, *held.tasks]:
            task.cancel()
