"""A thread has a loop of its own and ends it as asyncio.run does."""

import asyncio
import threading

import _task


async def serve():
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(asyncio.sleep(_task.LONG))


def in_a_thread():
    with asyncio.Runner(loop_factory=_task.factory) as runner:
        runner.run(serve())


async def main():
    thread = threading.Thread(target=in_a_thread)
    thread.start()
    await asyncio.sleep(2.5)
    thread.join()


_task.run(main())
