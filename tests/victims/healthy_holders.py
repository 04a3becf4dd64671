"""Everything that can hold a task: as long as something does, it is not dropped."""

import asyncio
import collections
import contextvars
import functools
import threading
import weakref

import _loop

LIFE = 1.2
variable = contextvars.ContextVar("task")


async def work():
    await asyncio.sleep(LIFE)


class Slotted:
    __slots__ = ("__weakref__", "task")

    def __init__(self):
        self.task = asyncio.create_task(work())


def closure():
    task = asyncio.create_task(work())
    return lambda: task


def listener():
    task = asyncio.create_task(work())
    task.add_done_callback(listen := lambda _: task.done())
    return listen  # a done-callback that somebody has holds what it closes over


def sharer():
    task = asyncio.create_task(work())
    task.add_done_callback(lambda _: task.done())
    return lambda: task


async def listening():
    task = asyncio.create_task(work())
    task.add_done_callback(lambda _: task.done())
    await asyncio.sleep(LIFE + 0.1)


def generator():
    task = asyncio.create_task(work())
    yield
    yield task


async def local():
    task = asyncio.create_task(work())
    await asyncio.sleep(LIFE + 0.1)
    return task.done()


async def argument(task):
    await asyncio.sleep(LIFE + 0.1)


async def main():
    loop = asyncio.get_running_loop()
    slotted, close, listen, share = Slotted(), closure(), listener(), sharer()
    steps = generator()
    next(steps)
    variable.set(asyncio.create_task(work()))
    deque = collections.deque([asyncio.create_task(work())])
    weak = weakref.WeakKeyDictionary({slotted: asyncio.create_task(work())})
    inbox = asyncio.Queue()
    inbox.put_nowait(asyncio.create_task(work()))
    timer = loop.call_later(LIFE + 0.1, functools.partial(isinstance, asyncio.create_task(work()), int))
    box = threading.local()
    box.task = asyncio.create_task(work())
    names = {asyncio.create_task(work()): "as a key"}
    frozen = (asyncio.create_task(work()),)
    bound = asyncio.create_task(work()).cancel
    inner = asyncio.gather(work(), work())
    shielded = asyncio.shield(work())
    await asyncio.gather(local(), listening(), argument(asyncio.create_task(work())))
    await inner
    await shielded
    await asyncio.gather(slotted.task, close(), next(steps), variable.get(), *deque, *weak.values(), inbox.get_nowait())
    await asyncio.gather(box.task, *names, *frozen)
    await share()
    print(bound(), timer.cancelled(), listen(None))


_loop.run(main())
