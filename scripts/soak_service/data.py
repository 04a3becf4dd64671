"""Routes over Redis and PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from background import STREAM
from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Request
from pydantic import BaseModel, Field
from redis.exceptions import LockError
from resources import Resources, resources

router = APIRouter()
Held = Annotated[Resources, Depends(resources)]


class Order(BaseModel):
    """What a customer sends."""

    item: int = Field(ge=1)
    bad: bool = False


@router.get("/items/{number}")
async def item(number: int, held: Held) -> dict[str, Any]:
    """From the process, else from Redis, else from PostgreSQL."""

    async def fill() -> str | None:
        found = await held.redis.get(f"soak:item:{number}")
        if found is None:
            row = await held.pool.fetchrow("SELECT id, name FROM items WHERE id = $1", number)
            if row is None:
                return None
            found = json.dumps(dict(row))
            await held.redis.set(f"soak:item:{number}", found, px=200)
        return found

    found = await held.cache.get(f"item:{number}", fill)
    if found is None:
        raise HTTPException(404, f"no item {number}")
    return json.loads(found)


@router.post("/orders", status_code=201)
async def place(order: Order, held: Held, later: BackgroundTasks) -> dict[str, int]:
    """A transaction, a notification, a job for each consumer, and work after the answer."""
    async with held.pool.acquire() as connection, connection.transaction():
        taken = await connection.execute("UPDATE items SET stock = stock - 1 WHERE id = $1", order.item)
        if taken == "UPDATE 0":
            raise HTTPException(404, f"no item {order.item}")
        number = await connection.fetchval("INSERT INTO orders (item) VALUES ($1) RETURNING id", order.item)
        await connection.execute("SELECT pg_notify('soak_orders', $1)", str(number))
    job = json.dumps({"order": number, "bad": order.bad and "a bad order"})
    if number % 2:
        await held.redis.rpush("soak:jobs", job)
    else:
        await held.redis.xadd(STREAM, {"job": job}, maxlen=1000, approximate=True)
    later.add_task(audit, held, number)
    later.add_task(held.count, "orders")
    return {"number": number}


async def audit(held: Resources, number: int) -> None:
    await held.redis.lpush("soak:audit", number)
    await held.redis.ltrim("soak:audit", 0, 99)


@router.get("/report")
async def report(held: Held) -> dict[str, Any]:
    """Three questions at once, each on a connection of its own; then a cursor."""
    questions = ("SELECT count(*) FROM orders", "SELECT count(*) FROM items", "SELECT now()::text")
    counts = await asyncio.gather(*(held.pool.fetchval(question) for question in questions))
    longest = 0
    async with held.pool.acquire() as connection, connection.transaction():
        async for row in connection.cursor("SELECT name FROM items ORDER BY id LIMIT 40"):
            longest = max(longest, len(row["name"]))
    return {"counts": [str(count) for count in counts], "longest": longest}


@router.get("/slow-query")
async def slow_query(held: Held, request: Request) -> dict[str, str]:
    """A question that takes too long: the timeout cancels it in the server, too."""
    try:
        async with asyncio.timeout(0.05):
            await held.pool.fetchval("SELECT pg_sleep(3)")
    except TimeoutError:
        raise HTTPException(504, f"{request.url.path} took too long") from None
    return {}


@router.get("/slow-statement")
async def slow_statement(held: Held) -> dict[str, str]:
    """The same by asyncpg's own timeout."""
    try:
        await held.pool.execute("SELECT pg_sleep(3)", timeout=0.05)
    except TimeoutError:
        raise HTTPException(504) from None
    return {}


@router.post("/exclusive/{name}")
async def exclusive(name: str, held: Held) -> dict[str, str]:
    """A lock in Redis that several processes could share."""
    try:
        async with held.redis.lock(f"soak:lock:{name}", timeout=5, blocking_timeout=1, sleep=0.01):
            await held.redis.incr(f"soak:exclusive:{name}")
    except LockError:
        raise HTTPException(409, f"{name} is locked") from None
    return {"name": name}


@router.get("/pipeline")
async def pipeline(held: Held) -> list[Any]:
    async with held.redis.pipeline(transaction=False) as pipe:
        for number in range(20):
            pipe.get(f"soak:item:{number}")
        return [found is not None for found in await pipe.execute()]
