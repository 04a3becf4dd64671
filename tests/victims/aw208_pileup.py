"""Tasks that come faster than they end; and a burst that drains, a crowd that stands, a stream that is slowed down."""
# options: --pileup 100

import asyncio

import _loop

tasks = set()


def keep(task):
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def handle(number):
    await asyncio.sleep(30)  # AW103?[debug]


async def floods():
    for number in range(400):
        keep(asyncio.create_task(handle(number)))  # AW208
        await asyncio.sleep(0.008)


async def job(seconds):
    await asyncio.sleep(seconds)


async def burst():
    for number in range(250):
        keep(asyncio.create_task(job(1 + number / 250)))


async def crowd():
    for _ in range(150):
        keep(asyncio.create_task(job(3)))


async def slowed_down():
    limit = asyncio.Semaphore(50)
    for _ in range(400):
        await limit.acquire()
        task = keep(asyncio.create_task(job(0.2)))
        task.add_done_callback(lambda _: limit.release())


async def main():
    await asyncio.gather(floods(), burst(), crowd(), slowed_down())
    for task in tasks:
        task.cancel()
    await asyncio.wait(set(tasks))
    print(len(tasks))


_loop.run(main())
