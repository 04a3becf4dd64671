"""Tasks that run on after they were cancelled, each in its own way; and others that end in time, or were not meant."""
# options: --cancel-grace 0.5

import asyncio
import contextlib

import _loop

END = 2.2
ended = asyncio.Event()


async def swallows():
    while not ended.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)  # AW209


async def catches_all():
    while not ended.is_set():
        try:
            await asyncio.sleep(0.2)  # AW209
        except BaseException:
            pass


async def cleans_up_for_ever():
    try:
        await asyncio.sleep(30)
    finally:
        await ended.wait()  # AW209


async def shields():
    inner = asyncio.ensure_future(ended.wait())
    while not inner.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(inner)  # AW209


async def innermost():
    try:
        await asyncio.sleep(30)
    finally:
        await ended.wait()  # AW209


async def outermost():
    await asyncio.create_task(innermost())


async def stubborn_child():
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        await ended.wait()  # AW209


async def group():
    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as children:
            children.create_task(stubborn_child())
            children.create_task(fails())


async def fails():
    await asyncio.sleep(0.05)
    raise LookupError("on purpose")


async def in_time():
    try:
        await asyncio.sleep(30)
    finally:
        await asyncio.sleep(0.1)


async def within_a_limit():
    try:
        await asyncio.sleep(30)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END - 0.4):
                await asyncio.Event().wait()


async def takes_it_back():
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        asyncio.current_task().uncancel()
    await asyncio.sleep(END - 0.5)


async def times_out():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await asyncio.sleep(30)
    await asyncio.sleep(END - 0.5)


async def handles_a_failed_child():
    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as children:
            children.create_task(asyncio.sleep(30))
            children.create_task(fails())
    await asyncio.sleep(END - 0.5)


async def main():
    ways = (swallows, catches_all, cleans_up_for_ever, shields, outermost, in_time, within_a_limit, takes_it_back)
    tasks = [asyncio.create_task(way()) for way in ways]
    others = [asyncio.create_task(group()), asyncio.create_task(times_out())]
    others.append(asyncio.create_task(handles_a_failed_child()))
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(END)
    ended.set()
    done, pending = await asyncio.wait(tasks + others, timeout=10)
    print(len(done), len(pending))


_loop.run(main())
