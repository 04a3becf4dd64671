"""Planted faults, one of them switched on by `SOAK_LEAK`. Each guilty line is marked with the leak and its code."""

# ruff: noqa: RUF006

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

import aiohttp
import httpx
from fastapi import APIRouter, Depends, HTTPException
from resources import Resources, resources

router = APIRouter()
LEAK = os.environ.get("SOAK_LEAK", "")
Leak = Callable[[Resources], Awaitable[None]]
log = logging.getLogger("soak")


@router.post("/leak")
async def leak(held: Annotated[Resources, Depends(resources)]) -> None:
    if LEAK not in BY_REQUEST:
        raise HTTPException(404)
    await BY_REQUEST[LEAK](held)


async def on_connection(held: Resources) -> None:
    """Called for each websocket."""
    if LEAK in BY_CONNECTION:
        await BY_CONNECTION[LEAK](held)


async def dropped(held: Resources) -> None:
    """A mail for each request, sent by a task that nobody holds."""
    asyncio.create_task(send_mail(held))  # leak dropped: AW201


async def send_mail(held: Resources) -> None:
    await asyncio.sleep(0.8)
    await held.redis.incr("soak:mails")


async def called(held: Resources) -> None:
    """A webhook for each request; while httpx waits, only its own cancel scopes refer to the task."""
    asyncio.create_task(call(held))  # leak called: AW201


async def call(held: Resources) -> None:
    with contextlib.suppress(httpx.HTTPError):
        await held.http.get("/hang", timeout=1.5)


async def fetched(held: Resources) -> None:
    """The same with aiohttp, whose timers refer to the task."""
    asyncio.create_task(fetch(held))  # leak fetched: AW201


async def fetch(held: Resources) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        await held.session.get("/hang", timeout=aiohttp.ClientTimeout(total=1.5))


async def orphaned(held: Resources) -> None:
    """A consumer for each connection, which goes on when the connection is gone."""
    queue: asyncio.Queue[str] = asyncio.Queue(100)
    held.hub.listeners.add(queue)
    follower = asyncio.create_task(follow(queue, held))  # leak orphaned: AW202
    await asyncio.sleep(0)
    log.debug("%r follows", follower)


followers: set[asyncio.Task[None]] = set()


async def piled(held: Resources) -> None:
    """The same, held in a set that nobody empties."""
    queue: asyncio.Queue[str] = asyncio.Queue(100)
    held.hub.listeners.add(queue)
    followers.add(asyncio.create_task(follow(queue, held)))  # leak piled: AW208


async def follow(queue: asyncio.Queue[str], held: Resources) -> None:
    while True:
        held.count(f"heard {len(await queue.get())}")


class Session:
    """Holds its own task, and is held by nothing else: when the collector comes, both go in the middle of the wait."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.task = asyncio.create_task(self.watch())  # leak destroyed: AW203

    async def watch(self) -> None:
        await self.closed.wait()


async def destroyed(held: Resources) -> None:
    Session()


async def unasked(held: Resources) -> None:
    """A failure that nobody asks for."""
    printing = asyncio.create_task(fail())  # leak unasked: AW204
    await asyncio.sleep(0.01)
    held.count(f"printed {printing.done()}")


async def fail() -> None:
    raise LookupError("no printer")


gate = asyncio.Lock()
answers: dict[int, asyncio.Future[None]] = {}


async def stuck(held: Resources) -> None:
    """An answer that never comes, waited for with a lock held and without a timeout."""
    async with gate:
        answer = answers[len(answers)] = asyncio.get_running_loop().create_future()
        await answer  # leak stuck: AW206


accounts = [asyncio.Lock(), asyncio.Lock()]


async def deadlocked(held: Resources) -> None:
    """Two transfers at once, in opposite directions."""
    await asyncio.gather(transfer(0, 1), transfer(1, 0))


async def transfer(source: int, target: int) -> None:
    async with accounts[source]:
        await asyncio.sleep(0.01)
        async with accounts[target]:  # leak deadlocked: AW207
            pass


async def swallowed(held: Resources) -> None:
    """A poller that takes a request to cancel for a failure of the poll."""
    polling = held.background(poll(held))
    await asyncio.sleep(0.05)
    polling.cancel()


async def poll(held: Resources) -> None:
    for _ in range(20):
        try:
            await asyncio.sleep(0.2)  # leak swallowed: AW209
            await held.redis.get("soak:alive")
        except asyncio.CancelledError:
            held.count("interrupted polls")


async def blocking(held: Resources) -> None:
    """A call from before asyncio."""
    time.sleep(0.15)  # leak blocking: AW101


async def crowded(held: Resources) -> None:
    """More for the default executor than it has threads."""
    naps = [asyncio.to_thread(time.sleep, 0.2) for _ in range(60)]
    await asyncio.gather(*naps)  # leak crowded: AW105


async def forgotten(held: Resources) -> None:
    """A client's method is called, its answer not awaited."""
    held.redis.incr("soak:visits")  # leak forgotten: AW301


async def escaping(held: Resources) -> None:
    """A timer's callback that fails."""
    asyncio.get_running_loop().call_later(0.01, late)


def late() -> None:
    raise LookupError("too late")  # leak escaping: AW403


BY_CONNECTION: dict[str, Leak] = {"orphaned": orphaned, "piled": piled}
BY_REQUEST: dict[str, Leak] = {
    function.__name__: function
    for function in (
        *(dropped, called, fetched, destroyed, unasked),
        *(stuck, deadlocked, swallowed, blocking, crowded, forgotten, escaping),
    )
}
