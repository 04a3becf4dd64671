"""The main task runs for ever by awaiting a future of its own, until Ctrl-C."""

import asyncio
import contextlib
import os
import signal
import threading

import _task


async def serve(reader, writer):
    writer.close()
    await writer.wait_closed()


async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", 0):
        await asyncio.Future()


threading.Timer(2.8, os.kill, (os.getpid(), signal.SIGINT)).start()
with contextlib.suppress(KeyboardInterrupt):
    _task.run(main())
_task.ended()
