"""Whatever a dropped task waits for, nothing holds it; whatever a held one waits for, somebody does."""

import asyncio
import contextlib

import _loop

LIFE = 1.3
background = set()


async def sleeps():
    await asyncio.sleep(LIFE)


async def event(event):
    await event.wait()


async def takes(queue):
    await queue.get()


async def future(future):
    await future


async def locked(lock):
    async with lock:
        pass


async def waits_for():
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), LIFE)


async def limited():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIFE), asyncio.timeout(LIFE + 5):
            await asyncio.sleep(10)


async def gathers():
    await asyncio.gather(sleeps(), sleeps())


async def groups():
    async with asyncio.TaskGroup() as group:
        group.create_task(sleeps())
        group.create_task(sleeps())


async def shields():
    await asyncio.shield(sleeps())


async def waits():
    await asyncio.wait({asyncio.create_task(sleeps())})


async def threads():
    await asyncio.to_thread(__import__("time").sleep, LIFE)


async def drop_all(gate, queue, promise, lock):
    asyncio.create_task(sleeps())  # AW201
    asyncio.create_task(event(gate))  # AW201
    asyncio.create_task(takes(queue))  # AW201
    asyncio.create_task(future(promise))  # AW201
    asyncio.create_task(locked(lock))  # AW201
    asyncio.create_task(waits_for())  # AW201
    asyncio.create_task(limited())  # AW201
    asyncio.create_task(gathers())  # AW201
    asyncio.create_task(groups())  # AW201
    asyncio.create_task(shields())  # AW201
    asyncio.create_task(waits())  # AW201
    asyncio.create_task(threads())  # AW201
    await asyncio.sleep(LIFE)


def hold(coro):
    task = asyncio.create_task(coro)
    background.add(task)
    task.add_done_callback(background.discard)


async def hold_all(gate, queue, promise, lock):
    hold(sleeps())
    hold(event(gate))
    hold(takes(queue))
    hold(future(promise))
    hold(locked(lock))
    hold(waits_for())
    hold(limited())
    hold(gathers())
    hold(groups())
    hold(shields())
    hold(waits())
    hold(threads())
    await asyncio.sleep(LIFE)


async def main():
    gate, queue, lock = asyncio.Event(), asyncio.Queue(), asyncio.Lock()
    promise = asyncio.get_running_loop().create_future()
    async with lock:
        await asyncio.gather(drop_all(gate, queue, promise, lock), hold_all(gate, queue, promise, lock))
        gate.set()
        promise.set_result(None)
        queue.put_nowait(1)
        queue.put_nowait(2)
    await asyncio.sleep(0.1)
    if background:  # a busy machine may need longer
        await asyncio.wait(background, timeout=10)
    print(len(background))


_loop.run(main())
