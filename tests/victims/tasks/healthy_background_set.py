"""Background tasks in a set that discards them when they are done."""

import asyncio

import _task

background = set()


async def send_mail():
    await asyncio.sleep(1.2)


async def request():
    task = asyncio.create_task(send_mail())
    background.add(task)
    task.add_done_callback(background.discard)


async def main():
    for _ in range(5):
        await asyncio.create_task(request())
        await asyncio.sleep(0.3)
    while background:
        await asyncio.sleep(0.1)


_task.run(main())
