"""Tasks that the end of their loop meets pending: cancelled by asyncio.run(), or closed over; and orderly ends."""

import asyncio
import contextlib
import gc

import _loop

kept = []


async def worker(queue):
    while True:
        await queue.get()
        queue.task_done()


async def forgets(queue):
    kept.append(asyncio.create_task(worker(queue)))  # AW205
    pool = [asyncio.create_task(worker(queue)) for _ in range(3)]  # AW205
    kept.extend(pool)
    await asyncio.sleep(0.05)


async def ends(queue):
    workers = [asyncio.create_task(worker(queue)) for _ in range(3)]
    for item in range(10):
        queue.put_nowait(item)
    await queue.join()
    for one in workers:
        one.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def groups(queue):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker(queue))
        await asyncio.sleep(0.05)
        task.cancel()


async def given(queue):
    await asyncio.sleep(0.01)


async def run_forgets():
    await forgets(asyncio.Queue())


async def run_ends():
    await ends(asyncio.Queue())
    await groups(asyncio.Queue())


def by_hand():
    loop = _loop.factory()
    task = loop.create_task(worker(asyncio.Queue()))  # AW205
    loop.run_until_complete(given(None))
    task._log_destroy_pending = False
    loop.close()


def by_hand_well():
    loop = _loop.factory()
    task = loop.create_task(worker(asyncio.Queue()))
    loop.run_until_complete(given(None))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


_loop.run(run_ends())
by_hand_well()
_loop.run(run_forgets())
by_hand()
gc.collect()
print("ended")
