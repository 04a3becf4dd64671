"""A task waits for a reply that does not come: a bare future in a dictionary."""

import asyncio

import _task

replies = {}


async def call(number):
    replies[number] = asyncio.get_running_loop().create_future()
    return await replies[number]  # AW206


async def main():
    task = asyncio.create_task(call(1))
    await _task.look_on()
    return task


_task.run(main())
