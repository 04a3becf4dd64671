"""A worker and a session that are cancelled; what does not end then is ended in ways of its own."""
# options: --cancel-grace 0.4

import asyncio


class log:
    """Its last entry is the end of a worker that catches everything."""

    ended = False

    def exception(text):
        if log.ended:
            raise SystemExit

    def info(text):
        pass


class Peer:
    def __init__(self):
        self.goodbye = asyncio.Event().wait


async def handle(item):
    pass


async def talk(peer):
    await asyncio.sleep(60)


# PAGE


async def main():
    way = worker(asyncio.Queue()) if "worker" in globals() else session(Peer())
    task = asyncio.create_task(way)
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.sleep(1.2)
    log.ended = True
    task.cancel()
    await asyncio.wait([task])


try:
    asyncio.run(main())
except SystemExit:
    pass
