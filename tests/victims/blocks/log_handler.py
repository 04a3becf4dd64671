"""logging to a handler that is slow: over HTTP, to a server that takes its time."""

import asyncio
import logging.handlers
import queue

import _block

PORT = _block.slow_server(2)

slow = logging.handlers.HTTPHandler(f"127.0.0.1:{PORT}", "/", method="POST")
log = logging.getLogger("shop")
log.propagate = False


async def healthy():
    records = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, slow)
    handler = logging.handlers.QueueHandler(records)
    log.addHandler(handler)
    listener.start()
    log.warning("sold out")
    await asyncio.to_thread(listener.stop)
    log.removeHandler(handler)


async def guilty():
    log.addHandler(slow)
    with _block.held:
        log.warning("sold out")  # AW101 code


_block.main(healthy, guilty)
