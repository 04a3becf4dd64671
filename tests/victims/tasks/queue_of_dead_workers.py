"""queue.join() waits for workers that have ended."""

import asyncio

import _task


async def work(queue):
    while await queue.get() != "bad":
        queue.task_done()


async def pipeline():
    queue = asyncio.Queue()
    workers = [asyncio.create_task(work(queue)) for _ in range(2)]
    for item in ("good", "bad", "bad", "good", "good"):
        queue.put_nowait(item)
    await queue.join()  # AW207
    await asyncio.gather(*workers)


async def main():
    task = asyncio.create_task(pipeline())
    await _task.look_on()
    return task


_task.run(main())
