"""The everyday ways to forget an `await`, each of a function of its own; beside each, the same done right."""

import asyncio
import functools
import gc

import _loop


async def statement(row):
    await asyncio.sleep(0)


async def argument(row):
    await asyncio.sleep(0)


async def wide_argument(row):
    await asyncio.sleep(0)


async def in_list(row):
    await asyncio.sleep(0)


async def in_tuple(row):
    await asyncio.sleep(0)


async def in_dict(row):
    await asyncio.sleep(0)


async def in_set(row):
    await asyncio.sleep(0)


async def in_comprehension(row):
    await asyncio.sleep(0)


async def in_generator(row):
    await asyncio.sleep(0)


async def in_condition(row):
    return False


async def in_local(row):
    await asyncio.sleep(0)


async def in_step(row):
    await asyncio.sleep(0)


async def in_task(row):
    await asyncio.sleep(0)


async def until_exception(row):
    await asyncio.sleep(0)


async def deleted(row):
    await asyncio.sleep(0)


async def rebound(row):
    await asyncio.sleep(0)


async def in_attribute(row):
    await asyncio.sleep(0)


async def in_cycle(row):
    await asyncio.sleep(0)


async def in_callback(row):
    await asyncio.sleep(0)


async def rejected(row):
    await asyncio.sleep(0)


async def outside(row):
    await asyncio.sleep(0)


def ignores(coro):
    return None


def deletes(coro):
    del coro


def keeps_until_return():
    job = in_local(1)  # AW301
    return len("job")


async def keeps_in_step():
    job = in_step(1)  # AW301
    await asyncio.sleep(0)


async def keeps_in_task():
    job = in_task(1)  # AW301


def keeps_until_exception():
    job = until_exception(1)  # AW301
    raise LookupError


def deletes_it():
    job = deleted(1)  # AW301
    print("deletes")
    del job


def sets_anew():
    job = rebound(1)  # AW301
    print("sets anew")
    job = None
    return job


class Batch:
    def __init__(self, row):
        self.job = in_attribute(row)  # AW301


class Node:
    def __init__(self):
        self.own = self
        self.job = in_cycle(1)  # AW301


def callback():
    in_callback(1)  # AW301


async def expressions():
    statement(1)  # AW301
    ignores(argument(1))  # AW301
    deletes(
        wide_argument(1),  # AW301
    )
    [
        in_list(1),  # AW301
        in_list(2),  # AW301
    ]
    (in_tuple(1), 2)  # AW301
    {"job": in_dict(1)}  # AW301
    {in_set(1)}  # AW301
    [in_comprehension(row) for row in range(3)]  # AW301
    any(in_generator(row) for row in range(3))  # AW301
    if in_condition(1):  # AW301
        print("condition")


async def guilty():
    await expressions()
    keeps_until_return()
    await keeps_in_step()
    await asyncio.create_task(keeps_in_task())
    try:
        keeps_until_exception()
    except LookupError:
        print("exception")
    deletes_it()
    sets_anew()
    batch = Batch(1)
    del batch
    Node()
    gc.collect()
    asyncio.get_running_loop().call_soon(callback)
    try:
        await asyncio.gather(2, rejected(1))  # AW301
    except TypeError:
        print("rejected")
    await asyncio.sleep(0.05)


async def healthy():
    names = (statement, argument, in_list, in_local, deleted, rebound)
    await asyncio.gather(*[name(1) for name in names])
    await in_attribute(1)
    await in_cycle(1)
    await rejected(1)
    late = [in_step(number) for number in range(3)]
    for one in late:
        await one
    task = asyncio.create_task(in_task(1))
    await task
    await functools.partial(in_callback, 1)()
    jobs = {"job": in_dict(1)}
    await jobs["job"]
    closed = in_tuple(1)
    closed.close()
    async with asyncio.TaskGroup() as group:
        group.create_task(in_set(1))
    if await in_condition(1):
        print("condition")


async def main():
    await healthy()
    await guilty()
    print("ended")


outside(1)  # AW301
_loop.run(main())
