"""Requests that carry their number in a context variable through tasks and threads."""

import asyncio
import contextvars

import _task

request_id = contextvars.ContextVar("request_id")


async def log():
    await asyncio.sleep(0.05)
    return request_id.get(), await asyncio.to_thread(request_id.get)


async def request(number):
    request_id.set(number)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(log()) for _ in range(3)]
        context = contextvars.copy_context()
        tasks.append(asyncio.create_task(log(), context=context))
        await tasks[-1]
    assert {task.result() for task in tasks} == {(number, number)}


async def main():
    for start in range(0, 120, 10):
        await asyncio.gather(*(request(number) for number in range(start, start + 10)))
        await asyncio.sleep(0.1)


_task.run(main())
