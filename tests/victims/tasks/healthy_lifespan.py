"""An application's lifespan: its background task begins before the requests and ends after them."""

import asyncio
import contextlib

import _task


@contextlib.asynccontextmanager
async def lifespan(app):
    app["refresh"] = asyncio.create_task(refresh(app))
    yield
    app["refresh"].cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await app["refresh"]


async def refresh(app):
    while True:
        app["cache"] += 1
        await asyncio.sleep(0.2)


async def main():
    app = {"cache": 0}
    async with lifespan(app):
        for _ in range(5):
            await asyncio.create_task(asyncio.sleep(0.5, app["cache"]))


_task.run(main())
