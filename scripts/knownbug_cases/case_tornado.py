"""tornado before 6.4 drops the task of a coroutine function that is given to `IOLoop.add_callback`."""

import asyncio

from tornado.ioloop import IOLoop

ended = []


async def refresh():
    await asyncio.sleep(1.5)
    ended.append(True)


async def main():
    IOLoop.current().add_callback(refresh)
    while not ended:
        await asyncio.sleep(0.1)


asyncio.run(main())
