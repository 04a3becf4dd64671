"""Routes that divide their work: among tasks, threads, a process, another service."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import threading
from typing import Annotated, Any

import aiohttp
import httpx
from fastapi import APIRouter, Depends, HTTPException
from resources import Resources, resources

router = APIRouter()
Held = Annotated[Resources, Depends(resources)]
debounced: dict[str, asyncio.Task[None]] = {}
turned = asyncio.Condition()
DIGEST_OF = b"soak" * 25_000


def digest(rounds: int = 1) -> str:
    """Some work for a thread; hashing much at once leaves the GIL alone."""
    found = hashlib.sha256(DIGEST_OF)
    for _ in range(rounds):
        found.update(DIGEST_OF)
    return found.hexdigest()


async def part(number: int, seconds: float = 0.002) -> int:
    await asyncio.sleep(seconds)
    return number


@router.get("/gather")
async def gather() -> int:
    return sum(await asyncio.gather(*(part(number) for number in range(8))))


@router.get("/first")
async def first() -> int:
    """Whoever answers first; the others are cancelled and waited for."""
    tasks = [asyncio.create_task(part(number, 0.001 + number * 0.2)) for number in range(3)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return next(iter(done)).result()


@router.get("/completed")
async def completed() -> list[int]:
    return [await following for following in asyncio.as_completed([part(number) for number in range(5)])]


@router.get("/group")
async def group(fail: bool = False) -> int:
    """A task group; when one of its tasks fails the others are cancelled, and that is told as a bad gateway."""
    try:
        async with asyncio.TaskGroup() as tasks:
            parts = [tasks.create_task(part(number)) for number in range(4)]
            if fail:
                tasks.create_task(failing())
    except* LookupError as error:
        raise HTTPException(502, f"{len(error.exceptions)} parts failed") from None
    return sum(task.result() for task in parts)


async def failing() -> None:
    await asyncio.sleep(0.001)
    raise LookupError("a part that fails")


@router.get("/timeout")
async def timeout() -> dict[str, str]:
    """Work that outlives its request on purpose, held and heard; the request gives up waiting for it."""
    try:
        return {"shared": await asyncio.wait_for(shared(), 0.02)}
    except TimeoutError:
        raise HTTPException(504) from None


async def shared() -> str:
    await asyncio.sleep(0.2)
    return "too late"


@router.get("/flight")
async def flight(held: Held) -> dict[str, str]:
    """Many ask at once, one asks the other service."""
    try:
        async with asyncio.timeout(0.03):
            return {"told": await held.cache.fly("slow", lambda: slow_word(held))}
    except TimeoutError:
        raise HTTPException(504) from None


async def slow_word(held: Resources) -> str:
    await asyncio.sleep(0.05)
    return str(await held.redis.get("soak:alive"))


@router.post("/debounce/{name}")
async def debounce(name: str, held: Held) -> dict[str, bool]:
    """Only the last of a burst is done."""
    before = debounced.get(name)
    if before is not None:
        before.cancel()
    task = debounced[name] = held.background(settle(name, held))
    task.add_done_callback(lambda ended: debounced.pop(name) if debounced.get(name) is ended else None)
    return {"again": before is not None}


async def settle(name: str, held: Resources) -> None:
    await asyncio.sleep(0.7)
    await held.redis.set(f"soak:settled:{name}", 1, ex=10)


@router.get("/turn")
async def turn() -> str:
    """A condition that others notify."""
    async with turned:
        turned.notify_all()
        try:
            async with asyncio.timeout(0.02):
                await turned.wait()
        except TimeoutError:
            return "alone"
    return "together"


@router.get("/thread")
async def thread() -> str:
    return await asyncio.to_thread(digest)


@router.get("/executor")
async def executor(held: Held) -> str:
    return await asyncio.get_running_loop().run_in_executor(held.executor, digest, 3)


@router.get("/sync")
def sync(held: Held) -> str:
    """A plain function: FastAPI runs it in a thread of anyio's."""
    held.count("sync")
    return threading.current_thread().name


@router.get("/from-thread")
async def from_thread(held: Held) -> int:
    """A thread that asks the loop to do something, and waits."""
    loop = asyncio.get_running_loop()
    asking = asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(part(7), loop).result(2))
    return await asking


@router.get("/process")
async def process() -> str:
    """A process, read to its end."""
    child = await asyncio.create_subprocess_exec("/bin/echo", sys.platform, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return out.decode().strip()


@router.get("/upstream/{kind}")
async def upstream(kind: str, held: Held) -> dict[str, Any]:
    """httpx, a few calls at once, each with a timeout."""
    try:
        async with asyncio.timeout(1), held.outbound:
            answer = await held.http.get(f"/{kind}", timeout=0.1)
    except (httpx.HTTPError, TimeoutError) as error:
        raise HTTPException(502, type(error).__name__) from None
    return {"status": answer.status_code}


@router.get("/outbound/{kind}")
async def outbound(kind: str, held: Held) -> dict[str, Any]:
    """aiohttp, the same."""
    try:
        async with held.outbound, asyncio.timeout(0.1), held.session.get(f"/{kind}") as answer:
            return {"status": answer.status, "length": len(await answer.read())}
    except (aiohttp.ClientError, TimeoutError) as error:
        raise HTTPException(502, type(error).__name__) from None


@router.get("/boom")
async def boom() -> None:
    """A fault that nobody foresaw: 500 and a traceback in the server's log, once in a while."""
    raise RuntimeError("boom")
