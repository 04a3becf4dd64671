"""A task in an attribute of a service, awaited when the service is closed."""

import asyncio
import contextlib

import _task


class Service:
    def __init__(self):
        self.task = asyncio.create_task(self.poll())

    async def poll(self):
        while True:
            await asyncio.sleep(0.2)

    async def close(self):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def main():
    service = Service()
    await asyncio.sleep(2.5)
    await service.close()


_task.run(main())
