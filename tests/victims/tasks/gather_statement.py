"""gather without await: nobody holds what it returns, nor the tasks it made."""

import asyncio

import _task


async def send_mail():
    await asyncio.sleep(_task.FOR_EVER)


async def main():
    asyncio.gather(send_mail(), send_mail())  # AW201
    await _task.look_on()


_task.run(main())
