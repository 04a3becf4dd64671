"""Tasks that the collector destroys in mid-flight, and others that somebody holds though they wait for the same."""

import asyncio
import gc

import _loop

held = set()


async def listen(queue):
    await queue.get()


async def wait_for(event):
    await event.wait()


def start():
    asyncio.create_task(listen(asyncio.Queue()))  # AW201 AW203


async def parent():
    task = asyncio.create_task(wait_for(asyncio.Event()))  # AW203
    await asyncio.sleep(0)
    return task.get_name()


def hold():
    task = asyncio.create_task(listen(asyncio.Queue()))
    held.add(task)
    task.add_done_callback(held.discard)


async def main():
    start()
    hold()
    await asyncio.create_task(parent())
    await asyncio.sleep(0.05)
    gc.collect()
    await asyncio.sleep(0.05)
    for task in list(held):
        task.cancel()
    await asyncio.sleep(0)
    print(len(held))


_loop.run(main())
