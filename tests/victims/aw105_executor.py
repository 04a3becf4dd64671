"""A default executor with more work than threads, by every way that leads to it; and full ones where nothing waits.

Each on a loop of its own, all at once: a loop answers for its own executor only.
"""

import asyncio
import concurrent.futures
import contextlib
import os
import threading
import time

import _loop

STALL = 0.25
THREADS = 2


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


async def in_list():
    loop = asyncio.get_running_loop()
    futures = []
    for _ in range(4):
        futures.append(loop.run_in_executor(None, shrink))  # AW105
    await asyncio.wait(futures)


async def not_awaited():
    loop = asyncio.get_running_loop()
    for _ in range(4):
        loop.run_in_executor(None, shrink)  # AW105
    await asyncio.sleep(2.5 * STALL)


async def resolve():
    loop = asyncio.get_running_loop()
    # uvloop resolves names without the executor.
    return await loop.getaddrinfo("127.0.0.1", 80)  # AW105?


async def behind_files():
    loop = asyncio.get_running_loop()
    files = [loop.run_in_executor(None, shrink) for _ in range(THREADS)]
    await resolve()
    await asyncio.wait(files)


async def given_up():
    """The timeout frees the task and not the thread: the next one waits for work that nobody wants any more."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(shrink) for _ in range(THREADS))), 0.01)
    await asyncio.to_thread(glance)  # AW105


async def as_many_as_threads():
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(asyncio.to_thread(shrink) for _ in range(THREADS)))
    await asyncio.wait([loop.run_in_executor(None, shrink) for _ in range(THREADS)])


async def short_burst():
    await asyncio.gather(*(asyncio.to_thread(glance) for _ in range(40)))


async def pool_of_its_own():
    loop = asyncio.get_running_loop()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        await asyncio.wait([loop.run_in_executor(pool, shrink) for _ in range(3)])


async def cancelled_in_time():
    loop = asyncio.get_running_loop()
    files = [loop.run_in_executor(None, shrink) for _ in range(THREADS)]
    late = loop.run_in_executor(None, shrink)
    await asyncio.sleep(0.02)
    late.cancel()
    await asyncio.wait(files)


async def a_few_at_a_time():
    turns = asyncio.Semaphore(THREADS)

    async def limited():
        async with turns:
            await asyncio.to_thread(shrink)

    await asyncio.gather(*(limited() for _ in range(4)))


async def load():
    await asyncio.to_thread(shrink)  # AW105


async def as_asyncio_makes_it():
    most = min(32, (os.cpu_count() or 1) + 4)
    await asyncio.gather(*(load() for _ in range(most + 2)))


async def small(scenario):
    pool = concurrent.futures.ThreadPoolExecutor(THREADS)
    asyncio.get_running_loop().set_default_executor(pool)
    await scenario()


SMALL = [
    flood, gathered, grouped, in_list, not_awaited, behind_files, given_up,
    as_many_as_threads, short_burst, pool_of_its_own, cancelled_in_time, a_few_at_a_time,
]
threads = [threading.Thread(target=lambda one=one: _loop.run(small(one))) for one in SMALL]
for thread in threads:
    thread.start()
_loop.run(as_asyncio_makes_it())
for thread in threads:
    thread.join()
print("ended")
