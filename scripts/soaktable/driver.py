"""The service's clients, in a process of their own: so many requests of all kinds, and those who go away in the middle.

Prints one line of JSON: what was asked, what was answered.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator

import clients
import scenarios

LISTENERS = 3
LEAKER_PAUSE = {"orphaned": 0.01, "piled": 0.01, "blocking": 1.0, "crowded": 1.0}


class Drive:
    """Counts what is done, and when it is enough."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.began = time.monotonic()
        self.asked = 0
        self.statuses: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.wrong: Counter[str] = Counter()
        self.longest: defaultdict[str, float] = defaultdict(float)

    async def turn(self) -> bool:
        """Wait for one's turn at the rate; False when there is nothing more to ask."""
        elapsed = time.monotonic() - self.began
        if self.asked >= self.options.requests or elapsed >= self.options.seconds:
            return False
        self.asked += 1
        if self.options.rate:
            await asyncio.sleep(max(0.0, self.asked / self.options.rate - elapsed))
        return True

    def answered(self, scenario: scenarios.Scenario, status: str, seconds: float) -> None:
        self.statuses[scenario.name][status] += 1
        self.longest[scenario.name] = max(self.longest[scenario.name], seconds)
        if status not in scenario.expected:
            self.wrong[f"{scenario.name} was answered with {status}"] += 1


async def customer(drive: Drive) -> None:
    """One of many: a connection of its own, one request after the other."""
    weights = [scenario.weight for scenario in scenarios.ALL]
    connection = clients.Connection(drive.options.port)
    try:
        while await drive.turn():
            scenario = random.choices(scenarios.ALL, weights)[0]
            began = time.monotonic()
            try:
                async with asyncio.timeout(20):
                    status = await scenario.run(connection)
            except (OSError, TimeoutError, EOFError) as error:
                status = type(error).__name__
                connection.abort()
            drive.answered(scenario, status, time.monotonic() - began)
    finally:
        connection.abort()


async def leaker(drive: Drive, leak: str) -> None:
    """Asks for the planted fault again and again; who gets no answer in time goes away."""
    connection = clients.Connection(drive.options.port)
    while True:
        with contextlib.suppress(OSError, TimeoutError, EOFError):
            async with asyncio.timeout(0.5):
                if leak in ("orphaned", "piled"):
                    await clients.chat(drive.options.port, 0, polite=True)
                else:
                    await connection.request("POST", "/leak")
        if connection.busy:
            connection.abort()
        await asyncio.sleep(LEAKER_PAUSE.get(leak, 0.1))


@contextlib.asynccontextmanager
async def beside(drive: Drive) -> AsyncIterator[None]:
    """Who listens to the chat all the time, and who asks for the planted fault."""
    running = [asyncio.create_task(clients.listen(drive.options.port)) for _ in range(LISTENERS)]
    if drive.options.leak:
        running.append(asyncio.create_task(leaker(drive, drive.options.leak)))
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def run(options: argparse.Namespace) -> dict[str, object]:
    drive = Drive(options)
    async with beside(drive):
        await asyncio.gather(*(customer(drive) for _ in range(options.customers)))
    return {
        "requests": drive.asked,
        "seconds": time.monotonic() - drive.began,
        "statuses": drive.statuses,
        "wrong": drive.wrong,
        "longest": drive.longest,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--customers", type=int, default=24)
    parser.add_argument("--leak", default="")
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    random.seed(options.seed)
    scenarios.PORT = options.port
    try:
        import uvloop
    except ImportError:
        print(json.dumps(asyncio.run(run(options))))
    else:
        print(json.dumps(uvloop.run(run(options))))


if __name__ == "__main__":
    main()
