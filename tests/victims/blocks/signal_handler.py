"""A signal's callback blocks, as a reload of the configuration does."""

import asyncio
import os
import signal
import time

import _block


def reload(done):
    with _block.held:
        time.sleep(_block.LENGTH)  # AW101 code
    done.set_result(None)


async def signalled(callback):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, callback, done)
    os.kill(os.getpid(), signal.SIGUSR1)
    await done
    loop.remove_signal_handler(signal.SIGUSR1)


async def healthy():
    await signalled(lambda done: asyncio.get_running_loop().call_later(_block.HEALTHY, done.set_result, None))


async def guilty():
    await signalled(reload)


_block.main(healthy, guilty)
