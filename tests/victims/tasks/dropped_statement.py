"""A task created as a statement."""

import asyncio

import _task


async def send_mail():
    await asyncio.sleep(_task.FOR_EVER)


async def main():
    asyncio.create_task(send_mail())  # AW201
    await _task.look_on()


_task.run(main())
