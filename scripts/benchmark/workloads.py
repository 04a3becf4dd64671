"""One measurement: run a workload on a loop for a while, print the CPU time of one operation.

    python workloads.py WORKLOAD asyncio|uvloop SECONDS REPETITIONS

The last line of the output is JSON. CPU time is the whole process's, so a watcher's thread counts. A repetition
goes on for SECONDS, long enough to hold several rounds of whatever a watcher does now and then; the least of the
repetitions is the one least disturbed by other processes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

BATCH = 1000
CONNECTIONS = 10
ROUNDS = 100
MESSAGE = b"x" * 1023 + b"\n"


async def sleep_storm() -> int:
    """Ten tasks that do nothing but give way."""

    async def give_way() -> None:
        for _ in range(BATCH // 10):
            await asyncio.sleep(0)

    await asyncio.gather(*(give_way() for _ in range(10)))
    return BATCH


async def creation_storm() -> int:
    """Tasks that end in their first step, a thousand at a time."""

    async def nothing() -> None:
        pass

    await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(BATCH)])
    return BATCH


async def call_soon_chain() -> int:
    """Callbacks that each schedule the next; no task runs meanwhile."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def step(left: int) -> None:
        if left:
            loop.call_soon(step, left - 1)
        else:
            done.set_result(None)

    loop.call_soon(step, BATCH)
    await done
    return BATCH


async def streams_echo() -> int:
    """Ten connections to a streams server in the same process, 1 KiB there and back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(ROUNDS):
            writer.write(MESSAGE)
            await reader.readline()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(talk(port) for _ in range(CONNECTIONS)))
    return CONNECTIONS * ROUNDS


WORKLOADS: dict[str, Callable[[], Awaitable[int]]] = {
    "sleep(0) storm": sleep_storm,
    "creation storm": creation_storm,
    "call_soon chain": call_soon_chain,
    "streams echo": streams_echo,
}


async def measure(workload: Callable[[], Awaitable[int]], seconds: float, repetitions: int) -> list[float]:
    """CPU seconds of one operation, in each repetition; the first one warms up and does not count."""
    found = []
    for duration in (seconds / 2, *(seconds for _ in range(repetitions))):
        operations = 0
        end = time.monotonic() + duration
        cpu = time.process_time()
        while time.monotonic() < end:
            operations += await workload()
        found.append((time.process_time() - cpu) / operations)
    return found[1:]


def main() -> None:
    name, loop, seconds, repetitions = sys.argv[1:]
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        found = runner.run(measure(WORKLOADS[name], float(seconds), int(repetitions)))
    print(json.dumps({"cpu": min(found), "all": found}))


if __name__ == "__main__":
    main()
