"""A helper returns the task, its caller drops it."""

import asyncio

import _task


async def send_mail():
    await asyncio.sleep(_task.FOR_EVER)


def start():
    return asyncio.create_task(send_mail())  # AW201


async def main():
    start()
    await _task.look_on()


_task.run(main())
