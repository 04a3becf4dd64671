"""The main task waits for a queue whose workers have ended, until Ctrl-C."""

import asyncio
import contextlib
import os
import signal
import threading

import _task


async def work(queue):
    while await queue.get() != "bad":
        queue.task_done()


async def main():
    queue = asyncio.Queue()
    worker = asyncio.create_task(work(queue))
    for item in ("good", "bad", "good"):
        queue.put_nowait(item)
    await queue.join()  # AW207
    await worker


threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT)).start()
with contextlib.suppress(KeyboardInterrupt):
    _task.run(main())
_task.ended()
