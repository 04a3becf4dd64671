"""The ways to drop a task in one expression, and the ways to keep it in one."""

import asyncio
import functools
import io

import _loop

LIFE = 1.3
ended = []


async def work():
    await asyncio.sleep(LIFE)


def start():
    return asyncio.create_task(work())  # AW201


def start_kept():
    return asyncio.create_task(work())


def fire():
    task = asyncio.ensure_future(work())  # AW201
    task.set_name("nobody keeps the variable")


def listen():
    task = asyncio.create_task(work())  # AW201
    task.add_done_callback(lambda _: ended.append(task))


def listen_twice():
    task = asyncio.create_task(work())  # AW201
    task.add_done_callback(ended.append)
    task.add_done_callback(functools.partial(print, task, file=io.StringIO()))


class Service:
    def __init__(self):
        self.task = asyncio.create_task(work())

    async def begin(self):
        asyncio.get_running_loop().create_task(work())  # AW201

    def replace(self):
        self.other = asyncio.create_task(work())  # AW201
        self.other = None

    def keep(self):
        self.other = asyncio.create_task(work())


async def drop(loop):
    asyncio.ensure_future(work())  # AW201
    loop.create_task(work(), name="by the loop")  # AW201
    loop.call_soon(lambda: asyncio.create_task(work()))  # AW201
    loop.call_later(0.01, lambda: asyncio.create_task(work()))  # AW201
    done = asyncio.create_task(asyncio.sleep(0))
    done.add_done_callback(lambda _: asyncio.create_task(work()))  # AW201
    await done
    asyncio.shield(work())  # AW201
    start()
    fire()
    listen()
    listen_twice()
    [asyncio.create_task(work()) for _ in range(3)]  # AW201
    asyncio.create_task(work()).set_name("dropped after a method")  # AW201
    asyncio.create_task(work()).add_done_callback(ended.append)  # AW201
    _ = asyncio.create_task(work())  # AW201
    _ = None
    await asyncio.sleep(LIFE)


async def keep():
    tasks = [asyncio.create_task(work()) for _ in range(3)]
    first = asyncio.ensure_future(work())
    by_name = {"a": start_kept()}
    shielded = asyncio.shield(work())
    (last := asyncio.create_task(work())).set_name("kept")
    await asyncio.sleep(LIFE)
    return tasks, first, by_name, last, shielded


async def main():
    service, good = Service(), Service()
    service.replace()
    good.keep()
    await service.begin()
    await asyncio.gather(drop(asyncio.get_running_loop()), keep())
    await asyncio.sleep(0.05)
    await asyncio.gather(service.task, good.task, good.other)
    print(len(ended))


_loop.run(main())
