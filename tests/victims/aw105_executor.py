"""A default executor with more work than threads, by every way that leads to it; and full ones where nothing waits."""

import asyncio
import concurrent.futures
import contextlib
import time

import _loop

STALL = 0.2


def shrink():
    time.sleep(STALL)


def glance():
    time.sleep(0.001)


async def thumbnail():
    await asyncio.to_thread(shrink)  # AW105


async def flood():
    await asyncio.gather(*(thumbnail() for _ in range(4)))


async def gathered():
    await asyncio.gather(*(asyncio.to_thread(shrink) for _ in range(4)))  # AW105


async def grouped():
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(asyncio.to_thread(shrink))  # AW105


async def in_list(loop):
    futures = []
    for _ in range(4):
        futures.append(loop.run_in_executor(None, shrink))  # AW105
    await asyncio.wait(futures)


async def not_awaited(loop):
    for _ in range(4):
        loop.run_in_executor(None, shrink)  # AW105
    await asyncio.sleep(2.5 * STALL)


async def resolve(loop):
    # uvloop resolves names without the executor.
    return await loop.getaddrinfo("127.0.0.1", 80)  # AW105?


async def behind_files(loop):
    files = [loop.run_in_executor(None, shrink) for _ in range(2)]
    await resolve(loop)
    await asyncio.wait(files)


async def given_up():
    """The timeout frees the task and not the thread: the next one waits for work that nobody wants any more."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(shrink) for _ in range(2))), 0.01)
    await asyncio.to_thread(glance)  # AW105


async def as_many_as_threads(loop):
    await asyncio.gather(*(asyncio.to_thread(shrink) for _ in range(2)))
    await asyncio.wait([loop.run_in_executor(None, shrink) for _ in range(2)])


async def short_burst():
    await asyncio.gather(*(asyncio.to_thread(glance) for _ in range(40)))


async def pool_of_its_own(loop):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        await asyncio.wait([loop.run_in_executor(pool, shrink) for _ in range(3)])


async def cancelled_in_time(loop):
    files = [loop.run_in_executor(None, shrink) for _ in range(2)]
    late = loop.run_in_executor(None, shrink)
    await asyncio.sleep(0.02)
    late.cancel()
    await asyncio.wait(files)


async def limited(turns):
    async with turns:
        await asyncio.to_thread(shrink)


async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(2))
    await as_many_as_threads(loop)
    await short_burst()
    await pool_of_its_own(loop)
    await cancelled_in_time(loop)
    turns = asyncio.Semaphore(2)
    await asyncio.gather(*(limited(turns) for _ in range(4)))
    await flood()
    await gathered()
    await grouped()
    await in_list(loop)
    await not_awaited(loop)
    await behind_files(loop)
    await given_up()
    print("ended")


_loop.run(main())
