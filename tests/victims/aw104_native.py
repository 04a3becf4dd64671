"""Calls of C code that block: files, locks, statements of SQL, pipes; each with its twin that does not."""
# needs: 3.12
# options: --extend-select AW104 --slow-callback-duration 5

import asyncio
import io
import os
import pathlib
import queue
import select
import shutil
import sqlite3
import ssl
import sys
import tempfile
import threading

import _loop

FOLDER = pathlib.Path(tempfile.mkdtemp())
CA = ssl.get_default_verify_paths().cafile


async def files(file, binary):
    file.write("text")  # AW104
    file.seek(0)
    file.read(1)  # AW104
    file.readline()  # AW104
    binary.read(1)  # AW104
    read = binary.read
    read(1)  # AW104
    binary.raw.read(1)  # AW104
    os.fsync(file.fileno())  # AW104


async def files_well(file):
    for memory in (io.StringIO(), io.BytesIO(), io.TextIOWrapper(io.BytesIO())):
        either(memory)
    sys.stdout.write("written\n")
    sys.stderr.write("")
    await asyncio.to_thread(file.read)
    file.tell()
    assert not file.closed


def either(file):
    return file.read(1)  # in files_later a file comes by here


async def statements(base):
    cursor = base.execute("select 1")  # AW104
    cursor.fetchall()  # AW104
    base.commit()  # AW104


async def statements_well(base):
    cursor = base.cursor()
    cursor.close()

    def work():
        with sqlite3.connect(FOLDER / "base") as own:
            own.execute("select 1").fetchall()
        own.close()

    await asyncio.to_thread(work)


async def locks(lock, jobs):
    lock.acquire(timeout=0.001)  # AW104
    lock.acquire(True, 0.001)  # AW104
    threading.Timer(0.2, lock.release).start()
    lock.acquire()  # AW104
    threading.Timer(0.2, jobs.put, [1]).start()
    jobs.get()  # AW104
    lock.release()


async def locks_well(lock, jobs):
    with lock:
        lock.acquire(False)
        lock.acquire(blocking=False)
        lock.acquire(timeout=0)
    lock.acquire()
    lock.release()
    jobs.put(1)
    jobs.get()
    again = threading.RLock()
    with again, again:
        again.acquire()
        again.release()
    tasks = asyncio.Lock()
    async with tasks:
        await asyncio.sleep(0)


async def pipes():
    inner, outer = os.pipe()
    os.write(outer, b"xy")  # AW104
    os.read(inner, 1)  # AW104
    select.select([inner], [], [])  # AW104
    select.select([inner], [], [], 1)  # AW104
    os.close(inner)
    os.close(outer)


async def pipes_well():
    inner, outer = os.pipe()
    os.set_blocking(inner, False)
    os.set_blocking(outer, False)
    os.write(outer, b"xy")
    os.read(inner, 1)
    select.select([inner], [], [], 0)
    loop, seen = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(inner, seen.set)
    await seen.wait()
    loop.remove_reader(inner)
    os.close(inner)
    os.close(outer)


async def paths():
    os.stat(FOLDER)  # AW104
    os.path.exists(FOLDER)  # AW104
    FOLDER.is_dir()  # AW104


async def paths_well():
    str(FOLDER / "a")
    FOLDER.absolute()
    await asyncio.to_thread(FOLDER.exists)
    os.stat("/proc/self")


async def certificates():
    ssl.create_default_context()  # AW104
    if CA is not None:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(CA)  # AW104?


async def certificates_well():
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    await asyncio.to_thread(ssl.create_default_context)


async def main(base, file, binary):
    lock, jobs = threading.Lock(), queue.SimpleQueue()
    await locks_well(lock, jobs)
    await files_well(file)
    lock.acquire()
    for guilty in (files(file, binary), statements(base), locks(lock, jobs), pipes(), paths(), certificates()):
        await guilty
    for healthy in (statements_well(base), pipes_well(), paths_well(), certificates_well()):
        await healthy


path = FOLDER / "file"
path.write_text("0123456789")
database = sqlite3.connect(FOLDER / "base")
with open(path, "r+") as text, open(path, "rb") as raw:
    _loop.run(main(database, text, raw))
database.close()
shutil.rmtree(FOLDER)
print("ended")
