"""A query that makes SQLite compute; it lets the GIL go meanwhile."""

import asyncio
import contextlib
import sqlite3

import _block

COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ?) SELECT max(x) FROM c"


def query(size):
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        return database.execute(COUNT, (size,)).fetchall()


_, big = _block.sizes(lambda size: size, query, 1000)


async def healthy():
    await asyncio.to_thread(query, big // 2)


async def guilty():
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        with _block.held:
            database.execute(COUNT, (big,)).fetchall()  # AW101 code


_block.main(healthy, guilty)
