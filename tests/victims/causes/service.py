"""A service that is quite well: timers, streams, threads, many steps of 1 to 20 ms of CPU, imports while it starts.

Its arguments: the loop (`asyncio` or `uvloop`), the seconds it runs, and what else it does: `healthy`, `idle` (next
to nothing), `guilty` (one sleep and one computation that hold the loop, at the marked lines) or `gc` (the collector
finds millions of objects). Steps are measured in CPU time, so that they are as long on a machine that has none to give.
"""

import asyncio
import contextlib
import hashlib
import importlib
import json
import sys
import time

STEPS = (0.001, 0.002, 0.004, 0.008, 0.02)
IMPORTS = ("email.mime.text", "http.client", "xml.dom.minidom", "sqlite3", "decimal", "difflib", "zipfile", "csv")
OBJECTS = 2_000_000


def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(200))


async def worker(seconds):
    while True:
        compute(seconds)
        await asyncio.sleep(10 * seconds + 0.05)


async def timers():
    loop = asyncio.get_running_loop()
    while True:
        for delay in range(5):
            loop.call_later(delay / 100, compute, 0.001)
        await asyncio.sleep(0.1)


async def answer(reader, writer):
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            compute(0.001)
            writer.write(json.dumps({"length": len(line)}).encode() + b"\n")
            await writer.drain()
    writer.close()


async def client(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            writer.write(b"x" * 200 + b"\n")
            await reader.readline()
            await asyncio.sleep(0.03)
    finally:
        writer.close()


async def threads():
    while True:
        await asyncio.to_thread(hashlib.pbkdf2_hmac, "sha256", b"secret", b"salt", 10_000)
        await asyncio.to_thread(time.sleep, 0.05)


async def start():
    for name in IMPORTS:
        importlib.import_module(name)
        await asyncio.sleep(0)


async def guilt():
    await asyncio.sleep(1)
    time.sleep(0.3)  # guilty
    await asyncio.sleep(1)
    end = time.thread_time() + 0.3
    while time.thread_time() < end:  # guilty
        pass


async def litter():
    """What only the collector finds: first a heap that lives, then garbage in cycles, then the heap in one cycle."""
    heap = []
    while len(heap) < OBJECTS:
        for _ in range(2_000):
            cycle = []
            cycle.append(cycle)
            heap.append(cycle)
        await asyncio.sleep(0)
    heap.clear()
    while True:
        for _ in range(1_000):
            cycle = []
            cycle.append(cycle)
        await asyncio.sleep(0.01)


MORE = {"guilty": guilt, "gc": litter}


async def main(seconds, what):
    running = []
    server = None
    if what != "idle":
        await start()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        jobs = [timers(), threads(), *(client(port) for _ in range(2)), *map(worker, STEPS)]
        if what in MORE:
            jobs.append(MORE[what]())
        running = [asyncio.create_task(job) for job in jobs]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(0.5)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    if server is not None:
        server.close()
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    factory = asyncio.new_event_loop
    if sys.argv[1] == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(float(sys.argv[2]), sys.argv[3]))
