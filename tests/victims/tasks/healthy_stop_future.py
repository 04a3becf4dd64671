"""The main task waits for a future that a signal handler sets."""

import asyncio
import os
import signal
import threading

import _task


async def main():
    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    loop.add_signal_handler(signal.SIGTERM, stop.set_result, None)
    await stop


threading.Timer(2.8, os.kill, (os.getpid(), signal.SIGTERM)).start()
_task.run(main())
