"""Workers wait long for work, do it, and are cancelled and awaited at the end."""

import asyncio

import _task


async def work(queue):
    while True:
        await asyncio.sleep(await queue.get())
        queue.task_done()


async def main():
    queue = asyncio.Queue()
    workers = [asyncio.create_task(work(queue), name=f"worker-{number}") for number in range(3)]
    for _ in range(2):
        await asyncio.sleep(1.3)
        for _ in range(6):
            queue.put_nowait(0.05)
    await queue.join()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


_task.run(main())
