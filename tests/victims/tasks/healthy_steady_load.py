"""Many short tasks for long: as many end as begin."""

import asyncio

import _task

running = set()


async def handle():
    await asyncio.sleep(0.5)


async def main():
    for _ in range(100):
        for _ in range(8):
            task = asyncio.create_task(handle())
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(0.025)
    del task
    while running:
        await asyncio.sleep(0.05)


_task.run(main())
