"""`worker.py` under one of the peers: `python peer.py asyncio|uvloop PEER`, as its own quick start says.

Options that detect are on, at asyncwatch's threshold of 0.1 s; what they write goes to a log that is thrown away.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import worker

THRESHOLD = 0.1
FOLDER = tempfile.mkdtemp()


def aiodebug() -> None:
    from aiodebug import hang_inspection, log_slow_callbacks

    log_slow_callbacks.enable(THRESHOLD)
    KEPT.append(hang_inspection.start(FOLDER, THRESHOLD, asyncio.get_running_loop()))


def aiocop() -> None:
    import aiocop as tool

    tool.patch_audit_functions()
    tool.start_blocking_io_detection(trace_depth=20)
    tool.detect_slow_tasks(threshold_ms=THRESHOLD * 1000, on_slow_task=lambda event: None)
    tool.activate()


def blockbuster() -> None:
    from blockbuster import BlockBuster

    BlockBuster().activate()


def loopsentry() -> None:
    from loopsentry import LoopSentry

    KEPT.append(LoopSentry(base_dir=FOLDER, threshold=THRESHOLD, async_threshold=1.0, detect_async_bottlenecks=True))
    KEPT[-1].start()  # type: ignore[attr-defined]


def aiomonitor() -> None:
    from aiomonitor import start_monitor

    ports = {"port": free_port(), "webui_port": free_port(), "console_port": free_port()}
    monitor = start_monitor(asyncio.get_running_loop(), hook_task_factory=True, **ports)
    monitor.__enter__()
    KEPT.append(monitor)


@asynccontextmanager
async def pyleak() -> AsyncIterator[None]:
    from pyleak import no_event_loop_blocking, no_task_leaks

    log = logging.Logger("pyleak", logging.CRITICAL)
    blocking = no_event_loop_blocking(action="log", logger=log, threshold=THRESHOLD)
    async with no_task_leaks(action="log", logger=log), blocking:
        yield


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


KEPT: list[object] = []
START = {
    "aiodebug": aiodebug,
    "aiocop": aiocop,
    "blockbuster": blockbuster,
    "loopsentry": loopsentry,
    "aiomonitor": aiomonitor,
}

if __name__ == "__main__":
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2) if sys.argv[3:] != ["-v"] else None
    peer = sys.argv[2]
    if peer == "pyleak":
        worker.main(None, pyleak)
    else:
        worker.main(START[peer])
