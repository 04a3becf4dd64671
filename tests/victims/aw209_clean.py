"""Cancellations that are part of the plan: groups, timeouts and retries in each other. What they end goes on afterwards."""
# options: --cancel-grace 0.4

import asyncio
import contextlib

import _loop

ON = 1.0


async def fails(seconds=0.01):
    await asyncio.sleep(seconds)
    raise ValueError("on purpose")


async def group_in_group():
    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as outer:
            outer.create_task(asyncio.sleep(10))
            async with asyncio.TaskGroup() as inner:
                inner.create_task(asyncio.sleep(10))
                inner.create_task(fails())
    await asyncio.sleep(ON)


async def handled_inside():
    async with asyncio.TaskGroup() as outer:
        outer.create_task(asyncio.sleep(0.2))
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as inner:
                inner.create_task(asyncio.sleep(10))
                inner.create_task(fails())
        await asyncio.sleep(ON)


async def group_in_timeout():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(10))
    await asyncio.sleep(ON)


async def timeout_in_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0.3))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.sleep(10)
        await asyncio.sleep(ON)


async def body_and_children_fail():
    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fails(0.01))
            group.create_task(fails(0.02))
            await fails(0.015)
    await asyncio.sleep(ON)


async def wait_for_group():
    async def work():
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(10))

    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(work(), 0.05)
    await asyncio.sleep(ON)


async def child_cancels_itself():
    async def child():
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    async with asyncio.TaskGroup() as group:
        group.create_task(child())
    await asyncio.sleep(ON)


async def retries():
    for number in range(4):
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(10 if number < 3 else 0.3))
                if number < 3:
                    group.create_task(fails(0.3))


async def supervises():
    end = asyncio.get_running_loop().time() + ON
    while asyncio.get_running_loop().time() < end:
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(10))
                group.create_task(fails(0.1))


async def main():
    ways = (
        group_in_group, handled_inside, group_in_timeout, timeout_in_group, body_and_children_fail, wait_for_group,
        child_cancels_itself, retries, supervises,
    )  # fmt: skip
    print(len(await asyncio.gather(*(asyncio.create_task(way()) for way in ways))))


_loop.run(main())
