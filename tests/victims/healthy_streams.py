"""Servers and clients, streams and protocols, subprocesses and signals, brought up and shut down in order."""

import asyncio
import os
import signal
import sys

import _loop


async def echo(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    finally:
        writer.close()
        await writer.wait_closed()


async def client(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(5):
        writer.write(b"%d\n" % number)
        await writer.drain()
        assert int(await reader.readline()) == number
        await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()


class Counter(asyncio.Protocol):
    def __init__(self, done):
        self.done = done
        self.bytes = 0

    def data_received(self, data):
        self.bytes += len(data)

    def connection_lost(self, error):
        self.done.set_result(self.bytes)


async def protocols():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    server = await loop.create_server(lambda: Counter(done), "127.0.0.1", 0)
    async with server:
        transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname()[:2])
        transport.write(b"x" * 100_000)
        transport.close()
        return await done


async def children():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-S", "-c", "import time; time.sleep(0.3); print('child')", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out


async def signals():
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.call_later(0.6, os.kill, os.getpid(), signal.SIGTERM)
    await stop.wait()
    loop.remove_signal_handler(signal.SIGTERM)


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, asyncio.TaskGroup() as group:
        port = server.sockets[0].getsockname()[1]
        for number in range(10):
            group.create_task(client(port, number))
        counted = group.create_task(protocols())
        spoken = group.create_task(children())
        group.create_task(signals())
    await asyncio.sleep(0.05)
    print(counted.result(), spoken.result())


_loop.run(main())
