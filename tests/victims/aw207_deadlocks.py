"""Tasks that wait for each other, or for what nothing alive can reach; and the same shapes with a way out."""
# options: --stuck-after 1

import asyncio
import contextlib

import _loop

LIFE = 3
tasks = set()
queues = {}


def start(coro):
    task = asyncio.create_task(coro)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def transfer(first, second):
    async with first:
        await asyncio.sleep(0.1)
        async with second:  # AW207
            pass


async def transfer_by_hand(first, second):
    await first.acquire()
    try:
        await asyncio.sleep(0.1)
        await second.acquire()  # AW207
        second.release()
    finally:
        first.release()


class Account:
    def __init__(self):
        self._lock = asyncio.Lock()

    async def withdraw(self):
        async with self._lock:
            await self.check()

    async def check(self):
        async with self._lock:  # AW207
            pass


async def joins(box):
    await asyncio.sleep(0.05)
    await asyncio.shield(box[0])  # AW207


async def child_of(parent):
    await asyncio.sleep(0)
    await asyncio.shield(parent)  # AW207?


async def group():
    async with asyncio.TaskGroup() as children:  # AW207?
        children.create_task(child_of(asyncio.current_task()))


async def consumer(queue):
    while True:
        await queue.get()  # AW207


async def consumer_of_all(name):
    while True:
        await queues[name].get()  # AW206


def left_alone():
    queue = asyncio.Queue()
    for _ in range(3):
        start(consumer(queue))


async def never_set(event):
    await event.wait()  # AW207


async def drains(queue):
    await queue.join()  # AW207


async def dead_workers():
    queue = asyncio.Queue()
    queue.put_nowait("work")
    worker = start(breaks(queue))
    await asyncio.wait({worker})
    worker.exception()
    del worker
    await drains(queue)


async def breaks(queue):
    await queue.get()
    raise LookupError("no more")


async def set_later(event):
    await event.wait()  # AW206


async def forgot_to_share():
    event = asyncio.Event()
    await event.wait()  # AW207


async def answer(replies):
    replies.append(asyncio.get_running_loop().create_future())
    await replies[0]  # AW207


async def in_order(first, second):
    async with first:
        await asyncio.sleep(0.1)
        async with second:
            await asyncio.sleep(0.1)


async def gives_up(first, second):
    async with first:
        await asyncio.sleep(0.1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIFE - 0.5), second:
                pass


async def main():
    a, b = asyncio.Lock(), asyncio.Lock()
    start(transfer(a, b))
    start(transfer(b, a))
    c, d = asyncio.Lock(), asyncio.Lock()
    start(transfer_by_hand(c, d))
    start(transfer_by_hand(d, c))
    start(Account().withdraw())
    one, other = [], []
    other.append(start(joins(one)))
    one.append(start(joins(other)))
    start(group())
    left_alone()
    queues["work"] = asyncio.Queue()
    start(consumer_of_all("work"))
    start(never_set(asyncio.Event()))
    start(dead_workers())
    start(forgot_to_share())
    start(answer([]))
    event = asyncio.Event()
    start(set_later(event))
    asyncio.get_running_loop().call_later(LIFE - 0.5, event.set)
    e, f = asyncio.Lock(), asyncio.Lock()
    start(in_order(e, f))
    start(in_order(e, f))
    g, h = asyncio.Lock(), asyncio.Lock()
    start(gives_up(g, h))
    start(gives_up(h, g))
    await asyncio.sleep(LIFE)
    print(event.is_set(), flush=True)
    for task in list(tasks):
        task.cancel()
    await asyncio.wait(set(tasks))


_loop.run(main())
