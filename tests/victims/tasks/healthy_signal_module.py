"""The main task waits for a future that a handler of the signal module sets, as where loops have none."""

import asyncio
import os
import signal
import threading

import _task


async def main():
    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(stop.set_result, None))
    await stop


threading.Timer(2.8, os.kill, (os.getpid(), signal.SIGTERM)).start()
_task.run(main())
