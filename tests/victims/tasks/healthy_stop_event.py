"""The main task waits for an event that a signal handler sets."""

import asyncio
import os
import signal
import threading

import _task


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


threading.Timer(2.8, os.kill, (os.getpid(), signal.SIGTERM)).start()
_task.run(main())
