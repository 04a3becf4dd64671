"""A pool of one connection, of a database that has two rows."""

import asyncio
import gc
from contextlib import asynccontextmanager


class Connection:
    def cursor(self, query):
        return Cursor()

    async def fetch(self, query):
        return [1, 2]


class Cursor:
    def __init__(self):
        self.rows = [1, 2]

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        if not self.rows:
            raise StopAsyncIteration
        return self.rows.pop(0)


class Pool:
    @asynccontextmanager
    async def acquire(self):
        yield Connection()


# PAGE


async def main():
    assert await first(Pool()) == 1
    gc.collect()
    await asyncio.sleep(0.1)


asyncio.run(main())
