"""A block in a loop that runs in a thread."""

import asyncio
import threading
import time

import _block


async def healthy():
    await asyncio.sleep(_block.HEALTHY)


async def guilty():
    with _block.held:
        time.sleep(_block.LENGTH)  # AW101 code


thread = threading.Thread(target=_block.run, args=(healthy, guilty))
thread.start()
thread.join()
_block.report()
