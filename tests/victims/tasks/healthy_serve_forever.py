"""serve_forever until a signal cancels it."""

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
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with contextlib.suppress(asyncio.CancelledError):
        async with server:
            await server.serve_forever()


threading.Timer(2.8, os.kill, (os.getpid(), signal.SIGTERM)).start()
_task.run(main())
