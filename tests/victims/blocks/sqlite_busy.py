"""SQLite waits for a database that another connection has locked."""

import asyncio
import contextlib
import os
import sqlite3
import tempfile

import _block

folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "data")
other = sqlite3.connect(path, isolation_level=None)
other.execute("BEGIN EXCLUSIVE")


def write(seconds):
    with contextlib.closing(sqlite3.connect(path, timeout=seconds)) as ours:
        with contextlib.suppress(sqlite3.OperationalError):
            ours.execute("CREATE TABLE t (x)")


async def healthy():
    await asyncio.to_thread(write, _block.HEALTHY)


async def guilty():
    with contextlib.closing(sqlite3.connect(path, timeout=_block.LENGTH)) as ours:
        with contextlib.suppress(sqlite3.OperationalError), _block.held:
            ours.execute("CREATE TABLE t (x)")  # AW101 code


_block.main(healthy, guilty)
other.close()
folder.cleanup()
