"""Coroutines made by methods, wrappers, helpers and names of another kind, forgotten; beside each, the same awaited."""

import asyncio
import contextlib
import functools
import gc
import threading

import _loop


def retried(function):
    @functools.wraps(function)
    async def attempt(*args):
        return await function(*args)

    return attempt


def logged(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)  # AW301[debug]

    return call


@retried
async def fetch(row):
    await asyncio.sleep(0)


@retried
async def load(row):
    await asyncio.sleep(0)


@logged
async def store(row):
    await asyncio.sleep(0)


async def plain(row):
    await asyncio.sleep(0)


async def renamed(row):
    await asyncio.sleep(0)


async def by_helper(row):
    await asyncio.sleep(0)


async def by_lambda(row):
    await asyncio.sleep(0)


async def partial(row):
    await asyncio.sleep(0)


async def in_thread(row):
    await asyncio.sleep(0)


async def in_closure(row):
    await asyncio.sleep(0)


async def in_two(row):
    await asyncio.sleep(0)


async def untraceable(row):  # AW301[light]
    await asyncio.sleep(0)


class Session:
    async def commit(self):
        await asyncio.sleep(0)

    async def flush(self):
        await asyncio.sleep(0)

    @classmethod
    async def open(cls):
        await asyncio.sleep(0)

    @staticmethod
    async def ping():
        await asyncio.sleep(0)

    async def __aenter__(self):
        self.commit()  # AW301
        return self

    async def __aexit__(self, *error):
        await self.commit()


class Child(Session):
    async def flush(self):
        super().flush()  # AW301


alias = renamed


def helper():
    return by_helper(1)  # AW301


def keeps(box):
    def later():
        box.append(in_closure(1))  # AW301[debug]

    later()
    box.clear()  # AW301[light]


def one_of_two(first):
    job = in_two(1) if first else in_two(2)  # AW301
    return len("job")


def thread():
    in_thread(1)  # AW301


def cycle(coro):
    box = [coro]
    box.append(box)


def untraced():
    for number in range(2):
        jobs = [untraceable]
        cycle(jobs[0](number))  # AW301[debug]


async def guilty():
    fetch(1)  # AW301
    work = load(1)  # AW301
    print("kept")
    work = None
    store(1)  # AW301[light]
    session = Session()
    async with session:
        session.flush()  # AW301
    (
        Session.open()  # AW301
    )
    session.ping()  # AW301
    await Child().flush()
    alias(1)  # AW301
    helper()
    (lambda: by_lambda(1))()  # AW301
    functools.partial(partial, 1)()  # AW301
    keeps([])
    one_of_two(first=True)
    runner = threading.Thread(target=thread)
    runner.start()
    runner.join()
    untraced()
    gc.collect()
    job = asyncio.sleep(0)  # AW301
    print("of a library")
    job = work
    with contextlib.suppress(TypeError):
        len(plain(1))  # AW301


async def healthy():
    await asyncio.gather(fetch(1), load(1), store(1), alias(1), plain(1))
    async with Session() as session:
        await session.flush()
    await Session.open()
    await session.ping()
    await by_helper(1)
    await (lambda row: by_lambda(row))(1)
    await functools.partial(partial, 1)()
    await in_two(1)
    asyncio.create_task(in_thread(1)).cancel()
    box = [in_closure(1)]
    await box.pop()


async def main():
    await healthy()
    await guilty()
    print("ended")


_loop.run(main())
