"""A lambda in call_later makes a task that the loop throws away."""

import asyncio

import _task


async def send_mail():
    await asyncio.sleep(_task.FOR_EVER)


async def main():
    asyncio.get_running_loop().call_later(0.1, lambda: asyncio.create_task(send_mail()))  # AW201
    await _task.look_on()


_task.run(main())
