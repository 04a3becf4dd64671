"""Calls that block, each with what asyncio has instead; seen on every Python."""
# options: --extend-select AW104 --slow-callback-duration 5

import asyncio
import concurrent.futures
import contextlib
import glob
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from time import sleep
from urllib.request import urlopen

import _loop

FOLDER = Path(tempfile.mkdtemp())
CHILD = [sys.executable, "-S", "-c", "pass"]


async def sleeps():
    time.sleep(0.001)  # AW104
    sleep(0.001)  # AW104
    await nested()


async def nested():
    def inner():
        list(map(time.sleep, [0.001]))  # AW104?

    inner()


async def sleeps_well():
    time.sleep(0)
    await asyncio.sleep(0.001)
    await asyncio.to_thread(time.sleep, 0.001)


async def opens():
    with open(FOLDER / "a", "w") as file:  # AW104
        pass
    os.close(os.open(FOLDER / "a", os.O_RDONLY))  # AW104
    save(FOLDER / "b")
    return file


def save(path):
    path.write_text("text")  # AW104
    return path.read_bytes()  # AW104


async def opens_well():
    await asyncio.to_thread(save, FOLDER / "c")
    with open("/proc/self/status") as status, open("/dev/null", "w") as null:
        null.write("x")
        name = status.name
    inner, outer = os.pipe()
    with open(inner, "rb"), open(outer, "wb"):
        pass
    return name


async def trees():
    list(glob.glob(f"{FOLDER}/*"))  # AW104
    list(os.walk(FOLDER))  # AW104
    shutil.rmtree(FOLDER / "none", ignore_errors=True)  # AW104
    os.listdir(FOLDER)  # AW104
    tempfile.mkdtemp(dir=FOLDER)  # AW104


async def trees_well():
    await asyncio.to_thread(shutil.copyfile, FOLDER / "b", FOLDER / "d")
    os.getcwd()
    os.path.abspath("a")
    os.path.join("a", "b")


async def names():
    socket.getaddrinfo("localhost", 80)  # AW104
    with contextlib.suppress(OSError):
        socket.gethostbyname("localhost")  # AW104


async def names_well():
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    socket.getaddrinfo("127.0.0.1", 80)
    socket.getaddrinfo("::1", 80)
    socket.getaddrinfo(None, 80)
    socket.gethostname()


def listening():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server


async def connects(server):
    with socket.socket() as client:
        client.connect(server.getsockname())  # AW104
        client.sendall(b"x")  # AW104
        other, _ = server.accept()  # AW104
        with other:
            other.recv(1)  # AW104
    with contextlib.suppress(OSError):
        urlopen("http://127.0.0.1:9/", timeout=0.01)  # AW104


async def connects_well(server):
    server.setblocking(False)
    loop = asyncio.get_running_loop()
    with socket.socket() as client, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        client.setblocking(False)
        await loop.sock_connect(client, server.getsockname())
        client.send(b"x")
        other, _ = await loop.sock_accept(server)
        with other:
            await loop.sock_recv(other, 1)
            with contextlib.suppress(BlockingIOError):
                client.recv(1)
        datagrams.connect(("127.0.0.1", 9))
        datagrams.send(b"x")
    reader, writer = await asyncio.open_connection(*server.getsockname())
    writer.write(b"x")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    return reader


async def processes():
    subprocess.run(CHILD, check=True)  # AW104
    child = subprocess.Popen(CHILD)  # AW104
    child.wait()  # AW104
    child.wait()
    os.system("true")  # AW104


async def processes_well():
    child = await asyncio.create_subprocess_exec(*CHILD)
    await child.wait()
    shell = await asyncio.create_subprocess_shell("true", stdout=subprocess.PIPE)
    await shell.communicate()
    done = await asyncio.to_thread(subprocess.Popen, CHILD)
    await asyncio.to_thread(done.wait)
    done.wait()


async def threads(pool):
    event, work = threading.Event(), queue.Queue()
    event.wait(0.001)  # AW104
    with contextlib.suppress(queue.Empty):
        work.get(timeout=0.001)  # AW104
    pool.submit(time.sleep, 0.2).result()  # AW104
    thread = threading.Thread(target=time.sleep, args=(0.2,))
    thread.start()
    thread.join()  # AW104
    waiting = pool.submit(time.sleep, 0.2)
    concurrent.futures.wait([waiting])  # AW104


async def threads_well(pool):
    event, work = threading.Event(), queue.Queue()
    event.wait(0)
    with contextlib.suppress(queue.Empty):
        work.get(block=False)
    work.put(1)
    work.get()
    event.set()
    event.wait()
    done = pool.submit(time.sleep, 0.01)
    await asyncio.wrap_future(done)
    done.result()
    thread = threading.Thread(target=int)
    thread.start()
    await asyncio.to_thread(thread.join)
    thread.join()
    semaphore = threading.Semaphore(1)
    with semaphore:
        pass


async def main(server, pool):
    for guilty in (sleeps(), opens(), trees(), names(), connects(server), processes(), threads(pool)):
        await guilty
    for healthy in (sleeps_well(), opens_well(), trees_well(), names_well(), processes_well(), threads_well(pool)):
        await healthy
    await connects_well(server)


with listening() as server, concurrent.futures.ThreadPoolExecutor(2) as pool:
    _loop.run(main(server, pool))
shutil.rmtree(FOLDER)
print("ended")
