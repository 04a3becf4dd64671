"""What customers do, and how often; what they may be answered."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import clients

PORT = 0  # the driver says it
Run = Callable[[clients.Connection], Awaitable[str]]


class Scenario(NamedTuple):
    """`expected` are statuses, or words of the clients' own."""

    name: str
    weight: float
    run: Run
    expected: frozenset[str]


def get(path: str, weight: float, *expected: str) -> Scenario:
    """A request whose path may have a number in it."""

    async def run(connection: clients.Connection) -> str:
        return await connection.request("GET", path.replace("{}", str(random.randint(1, 100))))

    return Scenario(f"GET {path}", weight, run, frozenset(expected or {"200"}))


def post(path: str, weight: float, *expected: str, body: object = None, name: str = "") -> Scenario:
    async def run(connection: clients.Connection) -> str:
        return await connection.request("POST", path.replace("{}", str(random.randint(1, 4))), body)

    return Scenario(f"POST {path} {name}".strip(), weight, run, frozenset(expected or {"200"}))


def leave(path: str, weight: float, size: int = 0, most: float = 0.02) -> Scenario:
    """A client that does not wait for the end; a connection may be closed or reset."""

    async def run(connection: clients.Connection) -> str:
        reset = random.random() < 0.5
        return await connection.leave("GET", path, random.random() * most, size, reset)

    return Scenario(f"leaves {path} after {size} bytes", weight, run, frozenset({"left", "IncompleteReadError"}))


async def chats(connection: clients.Connection) -> str:
    return await clients.chat(PORT, random.randint(0, 3), polite=random.random() < 0.6)


async def echoes(connection: clients.Connection) -> str:
    return await clients.echo(PORT, random.choice((0, 0, 0.02, 0.12)), polite=random.random() < 0.6)


def outbound(kind: str, weight: float, *expected: str) -> list[Scenario]:
    return [get(f"/upstream/{kind}", weight, *expected), get(f"/outbound/{kind}", weight, *expected)]


ENDED = frozenset({"left", "closed"})
ALL = [
    get("/items/{}", 30),
    get("/items/999", 1, "404"),
    get("/nowhere", 1, "404"),
    get("/pipeline", 5),
    get("/report", 3),
    get("/slow-query", 0.5, "504"),
    get("/slow-statement", 0.5, "504"),
    post("/orders", 12, "201", body={"item": 7}),
    post("/orders", 1, "201", body={"item": 8, "bad": True}, name="bad"),
    post("/orders", 1, "404", body={"item": 999}, name="unknown"),
    post("/orders", 1, "422", body={"item": "many"}, name="malformed"),
    post("/exclusive/{}", 3, "200", "409"),
    post("/debounce/{}", 4),
    get("/gather", 4),
    get("/first", 2),
    get("/completed", 3),
    get("/group", 3),
    get("/group?fail=1", 1, "502"),
    get("/timeout", 1, "504"),
    get("/flight", 3, "200", "504"),
    get("/turn", 3),
    get("/thread", 2),
    get("/executor", 2),
    get("/sync", 4),
    get("/from-thread", 1),
    get("/process", 0.1),
    *outbound("ok", 2, "200", "502"),  # its timeout is short, and the machine is driven hard
    *outbound("slow", 0.3, "502", "200"),
    *outbound("hang", 0.2, "502"),
    *outbound("reset", 0.3, "502"),
    get("/boom", 0.1, "500"),
    get("/events", 0.5),
    get("/download", 0.2),
    get("/ticker", 0.02),
    leave("/events", 0.7, 20, 0.3),
    leave("/events", 0.3),
    leave("/download", 0.3, 100_000, 0.1),
    leave("/download", 0.3),
    leave("/slow-query", 0.3, 0, 0.1),
    leave("/gather", 0.5, 0, 0.003),
    leave("/items/1", 0.5, 0, 0.001),
    leave("/upstream/slow", 0.3, 0, 0.1),
    Scenario("websocket /chat", 3, chats, ENDED),
    Scenario("websocket /echo", 2, echoes, ENDED),
]
