"""The same seven mistakes for every framework's handlers; the marks say which line is guilty of which rule."""

import asyncio
import time

kept = set()


async def quick():
    await asyncio.sleep(0.01)


async def slow():
    await asyncio.sleep(3)


async def failing():
    raise LookupError("no such order")


async def block():
    time.sleep(0.3)  # AW101


async def drop():
    asyncio.create_task(slow())  # AW201


async def orphan():
    child = asyncio.create_task(slow())  # AW202
    await asyncio.sleep(0)
    return child.done()


async def unasked():
    task = asyncio.create_task(failing())  # AW204
    await asyncio.sleep(0.01)
    return task.done()


async def forget():
    quick()  # AW301


async def callback():
    asyncio.get_running_loop().call_soon(broken)


def broken():
    raise RuntimeError("broken callback")  # AW403


async def leave():
    task = asyncio.create_task(asyncio.sleep(60))  # AW205
    kept.add(task)
    task.add_done_callback(kept.discard)


async def healthy():
    async with asyncio.TaskGroup() as group:
        group.create_task(quick())
    await asyncio.gather(quick(), quick())
    task = asyncio.create_task(asyncio.sleep(0.7))
    kept.add(task)
    task.add_done_callback(kept.discard)
    await asyncio.wait_for(quick(), 1)
    time.sleep(0.01)


FAULTS = {
    function.__name__: function
    for function in (block, drop, orphan, unasked, forget, callback, leave, healthy)
}
