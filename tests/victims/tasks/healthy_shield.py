"""A shielded task that somebody holds and awaits after the timeout."""

import asyncio
import contextlib

import _task


async def save():
    await asyncio.sleep(2.6)


async def main():
    saving = asyncio.create_task(save())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(saving), 0.2)
    await saving


_task.run(main())
