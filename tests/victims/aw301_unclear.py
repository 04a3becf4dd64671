"""Coroutines whose creation no code can prove afterwards, beside the same awaited: no other line may be called that."""

import asyncio
import gc

import _loop


async def twice(row):  # AW301[light]
    await asyncio.sleep(0)


async def by_table(row):  # AW301[light]
    await asyncio.sleep(0)


async def given(row):
    await asyncio.sleep(0)


async def hidden(row):  # AW301[light]
    await asyncio.sleep(0)


async def passed_on(row):
    await asyncio.sleep(0)


class Inner:
    async def commit(self):
        await asyncio.sleep(0)

    async def run(self):
        await asyncio.sleep(0)


class Proxy:
    def __init__(self):
        self.inner = Inner()

    def commit(self):
        return self.inner.commit()  # AW301[debug]


class Engine:
    def run(self):
        return 1


class Holder:
    def __init__(self, job):
        self.job = job


TABLE = {"by_table": by_table}


def cycle(coro):
    box = [coro]
    box.append(box)


def first(box):
    box.append(twice(1))


def second():
    cycle(twice(2))  # AW301[debug]


def by_name():
    cycle(TABLE["by_table"](1))  # AW301[debug]


def by_its_name():
    cycle(globals()["hidden"](1))  # AW301[debug]


def starts(factory):
    factory(1)  # AW301


def uses_an_engine(holder, engine):
    result = engine.run()
    return len(str(result))


def holds(engine):
    holder = Holder(Inner().run())  # AW301[debug]
    return uses_an_engine(holder, engine)


def passes():
    return [passed_on(1), 2]  # AW301


async def guilty():
    second()
    by_name()
    by_its_name()
    gc.collect()
    await asyncio.sleep(0)
    starts(given)
    Proxy().commit()  # AW301[light]
    holds(Engine())  # AW301[light]
    passes()


async def healthy():
    box = []
    first(box)
    await box.pop()
    job = by_table(1)
    await job
    job = hidden(1)
    await asyncio.gather(job, given(1))
    await Proxy().commit()
    inner = Inner()
    await inner.run()
    await passed_on(1)


async def main():
    await healthy()
    await guilty()
    print("ended")


_loop.run(main())
