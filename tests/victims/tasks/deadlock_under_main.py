"""The main task gathers two transfers that take two locks in opposite order, until Ctrl-C."""

import asyncio
import contextlib
import os
import signal
import threading

import _task


async def transfer(source, target):
    async with source:
        await asyncio.sleep(0.05)
        async with target:  # AW207
            pass


async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(transfer(one, other), transfer(other, one))


threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT)).start()
with contextlib.suppress(KeyboardInterrupt):
    _task.run(main())
_task.ended()
