# no line: AW402?
"""Processes and bare sockets that are let go, beside ones that are waited for and closed."""

import asyncio
import gc
import socket
import subprocess
import sys

import _loop

QUICK = (sys.executable, "-c", "pass")
SLOW = (sys.executable, "-c", "import sys; sys.stdin.read()")


async def run_quick():
    child = await asyncio.create_subprocess_exec(*QUICK)
    return await child.wait()


async def run_slow():
    child = await asyncio.create_subprocess_exec(*SLOW, stdin=asyncio.subprocess.PIPE)
    await child.communicate(b"end\n")
    return child.returncode


async def kill():
    child = await asyncio.create_subprocess_exec(*SLOW, stdin=asyncio.subprocess.PIPE)
    child.kill()
    await child.wait()
    return "killed"


async def leave():
    child = await asyncio.create_subprocess_exec(*SLOW, stdin=asyncio.subprocess.PIPE)  # AW402?
    return child.returncode


def drop_socket():
    one = socket.socket()
    one.setblocking(False)
    del one  # AW402[debug]


def close_socket():
    with socket.socket() as one:
        one.setblocking(False)


def outside_of_any_loop():
    """A blocking socket and a process of a program's other parts are the interpreter's to report."""
    one = socket.socket()
    del one
    subprocess.run(QUICK, check=True)


async def main():
    print(await run_quick(), await run_slow(), await kill())
    close_socket()
    drop_socket()
    gc.collect()
    print(await leave())


outside_of_any_loop()
_loop.run(main())
gc.collect()
