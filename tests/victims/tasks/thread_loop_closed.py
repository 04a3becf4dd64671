"""The loop of a thread is closed over a pending task."""

import asyncio
import threading

import _task

workers = []


async def worker():
    while True:
        await asyncio.sleep(0.1)


async def serve():
    workers.append(asyncio.create_task(worker()))  # AW205 AW203?
    await asyncio.sleep(1)


def in_a_thread():
    loop = _task.factory()
    loop.run_until_complete(serve())
    loop.close()


async def main():
    thread = threading.Thread(target=in_a_thread)
    thread.start()
    await _task.look_on()
    thread.join()


_task.run(main())
