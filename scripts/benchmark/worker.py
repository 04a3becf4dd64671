"""A process that measures, in one way of being watched and on one loop: `python worker.py asyncio|uvloop`.

It lives for many measurements, so that the ways can be interleaved finely. Each line on stdin is a JSON list
`[WORKLOAD, SECONDS]`, each answer a line of JSON: the CPU time of the whole process, a watcher's threads included, and
the operations done meanwhile. For a server the answer is its port first; the next line on stdin ends the measurement,
and who sends it has counted the requests.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import servers
from workloads import SERVERS, WORKLOADS

Around = Callable[[], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    """What is around a measurement where no peer asks for more."""
    yield


def main(start: Callable[[], Any] | None = None, around: Around = nothing) -> None:
    """Serve measurements; a peer is started in the loop first, or put around each."""
    # What a program prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if sys.argv[1] == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    running: dict[str, int] = {}

    def answer(found: object) -> None:
        print(json.dumps(found), file=answers, flush=True)

    with asyncio.Runner(loop_factory=factory) as runner:
        if start is not None:
            runner.run(begun(start))
        answer("ready")
        # Nothing is read or written while the loop runs: a peer forbids that.
        while line := os.read(0, 1000):
            name, seconds = json.loads(line)
            if name not in SERVERS:
                answer(runner.run(measure(name, seconds, around)))
                continue
            if name not in running:
                servers.IMPORT[name]()
                running[name], _ = runner.run(servers.START[name]())
            answer(running[name])
            found = runner.run(serve(around))
            os.set_blocking(0, True)  # uvloop made it another
            os.read(0, 1000)
            answer(found)
    os._exit(0)  # servers need not be ended properly: nothing is measured any more


async def begun(start: Callable[[], Any]) -> None:
    await asyncio.sleep(0)
    start()


async def measure(name: str, seconds: float, around: Around) -> dict[str, float]:
    """Run a workload for a while, at least once."""
    workload = WORKLOADS[name]
    operations = 0
    async with around():
        end = time.monotonic() + seconds
        cpu = time.process_time()
        while True:
            operations += await workload()
            if time.monotonic() >= end:
                break
        return {"cpu": time.process_time() - cpu, "operations": operations}


async def serve(around: Around) -> dict[str, float]:
    """Answer requests until a line comes in."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(0, told.set)
    try:
        async with around():
            cpu = time.process_time()
            await told.wait()
            return {"cpu": time.process_time() - cpu}
    finally:
        loop.remove_reader(0)


if __name__ == "__main__":
    main()
