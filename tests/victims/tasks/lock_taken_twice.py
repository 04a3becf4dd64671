"""A task takes a lock that it holds already."""

import asyncio

import _task


class Account:
    def __init__(self):
        self.lock = asyncio.Lock()

    async def charge(self):
        async with self.lock:
            await self.save()

    async def save(self):
        async with self.lock:  # AW207
            pass


async def main():
    account = Account()
    task = asyncio.create_task(account.charge())
    await _task.look_on()
    return task


_task.run(main())
