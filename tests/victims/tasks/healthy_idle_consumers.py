"""All work is done, and the consumers of the queue wait until the main task has no more use for them."""

import asyncio

import _task


class Pool:
    def __init__(self):
        self.queue = asyncio.Queue()
        self.workers = [asyncio.create_task(self.work()) for _ in range(3)]

    async def work(self):
        while True:
            await self.queue.get()
            self.queue.task_done()

    async def close(self):
        for worker in self.workers:
            worker.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)


async def main():
    pool = Pool()
    for item in range(10):
        pool.queue.put_nowait(item)
    await pool.queue.join()
    await asyncio.sleep(2.6)
    await pool.close()


_task.run(main())
