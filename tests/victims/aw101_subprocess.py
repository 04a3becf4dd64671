"""Subprocess protocols: what a child writes, where its pipes close, how it ends."""

import asyncio
import sys
import time

import _loop

CHILD = [sys.executable, "-S", "-c", "print('hello', flush=True); input()"]


class Process(asyncio.SubprocessProtocol):
    def __init__(self):
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def pipe_data_received(self, fd, data):
        self.transport.get_pipe_transport(0).write(b"go on\n")

    def process_exited(self):
        self.ended.set_result(self.transport.get_returncode())


class Said(Process):
    def pipe_data_received(self, fd, data):
        time.sleep(0.3)  # AW101
        super().pipe_data_received(fd, data)


class Closed(Process):
    def pipe_connection_lost(self, fd, error):
        if fd == 1:
            time.sleep(0.3)  # AW101


class Exited(Process):
    def process_exited(self):
        time.sleep(0.3)  # AW101
        super().process_exited()


async def spawn(protocol):
    _, process = await asyncio.get_running_loop().subprocess_exec(protocol, *CHILD, stderr=None)
    status = await process.ended
    await asyncio.sleep(0.05)
    process.transport.close()
    return status


async def communicate():
    process = await asyncio.create_subprocess_exec(*CHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    return await process.communicate(b"go on\n")


async def main():
    print(await communicate())
    print([await spawn(protocol) for protocol in (Process, Said, Closed, Exited)])


_loop.run(main())
