"""Tasks that fail and nobody asks, beside tasks whose failure somebody hears of."""

import asyncio
import contextlib
import gc

import _loop

background = set()
heard = []


async def fail(text):
    await asyncio.sleep(0.01)
    raise ValueError(text)


async def fail_deep(depth):
    return await (fail_deep(depth - 1) if depth else fail("deep"))


async def guilty():
    asyncio.create_task(fail("dropped"))  # AW204
    kept = asyncio.create_task(fail("kept and never asked"))  # AW204
    deep = asyncio.create_task(fail_deep(5))  # AW204
    held = asyncio.create_task(fail("held in a set"))  # AW204
    background.add(held)
    held.add_done_callback(background.discard)
    waited = asyncio.create_task(fail("waited for, not asked"))  # AW204
    await asyncio.wait({waited})
    await asyncio.sleep(0.1)
    return kept.done(), deep.done()


def listen(task):
    background.discard(task)
    if not task.cancelled():
        heard.append(str(task.exception()))


async def healthy():
    task = asyncio.create_task(fail("listened to"))
    background.add(task)
    task.add_done_callback(listen)
    with contextlib.suppress(ValueError):
        await asyncio.create_task(fail("awaited"))
    await asyncio.gather(asyncio.create_task(fail("gathered")), fail("too"), return_exceptions=True)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail("grouped"))
            group.create_task(fail_deep(3))
    except* ValueError as errors:
        heard.append(len(errors.exceptions) > 0)
    done, _ = await asyncio.wait({asyncio.create_task(fail("waited for and asked"))})
    heard.extend(str(one.exception()) for one in done)
    for one in asyncio.as_completed([fail("completed")]):
        with contextlib.suppress(ValueError):
            await one
    with contextlib.suppress(ValueError):
        await asyncio.wait_for(fail("waited for"), 5)
    with contextlib.suppress(ValueError):
        await asyncio.shield(fail("shielded"))
    cancelled = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    cancelled.cancel()


async def main():
    print(await guilty())
    await healthy()
    await asyncio.sleep(0.05)
    gc.collect()
    print(heard)


_loop.run(main())
