"""Who called `cancel()`: the line and the task, only where the interpreter tells of it, and nothing left afterwards."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import each_loop

from asyncwatch.hooks import cancellers, tools
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.cancellers import Cancellers

monitoring: Any = getattr(sys, "monitoring", None)
needs_monitoring = pytest.mark.skipif(monitoring is None, reason="this Python has no sys.monitoring")


@pytest.fixture
def heard() -> Iterator[Cancellers]:
    made = Cancellers(Bus(frozenset({"AW209"})), wanted=True)
    made.install()
    yield made
    made.uninstall()


def fresh(text: str, **names: Any) -> Any:
    """A function `go` that nobody ran before."""
    exec(text, names)
    return names["go"]


def lines(heard: Cancellers, task: Any) -> list[tuple[str, int]]:
    request = heard.last(task)
    assert request is not None
    return [(code.co_name, code.co_firstlineno) for code, _ in request.frames]


@needs_monitoring
@each_loop
def test_the_call_and_the_task(heard: Cancellers, kind: str) -> None:
    """A direct call, one through a helper, a bound method kept in a variable: each is seen with its frames."""

    def helper(task: Any) -> None:
        task.cancel()

    def bound(task: Any) -> None:
        stop = task.cancel
        stop()

    async def go() -> None:
        for way in (helper, bound):
            task = asyncio.create_task(asyncio.sleep(30), name=way.__name__)
            await asyncio.sleep(0)
            assert heard.last(task) is None
            way(task)
            assert [name for name, _ in lines(heard, task)][:2] == [way.__name__, "go"]
            request = heard.last(task)
            assert request is not None
            assert request.by == f"task {asyncio.current_task().get_name()!r}"  # type: ignore[union-attr]

    factory = pytest.importorskip("uvloop").new_event_loop if kind == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(go())


@needs_monitoring
def test_other_things_that_are_cancelled(heard: Cancellers) -> None:
    """Futures, timers and the program's own objects with a method of that name are none of ours."""
    go = fresh(
        "def go(things):\n    for thing in things:\n        thing.cancel()\n",
    )

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(asyncio.sleep(30))
        await asyncio.sleep(0)
        go([loop.create_future(), loop.call_later(30, print), task])
        assert heard.last(task) is not None
        assert len(heard._requests) == 1
        await asyncio.wait([task])

    asyncio.run(main())


@needs_monitoring
def test_no_task_is_kept(heard: Cancellers) -> None:
    """What is remembered of a request does not keep its task, and there is an end to how many are remembered."""

    async def main() -> weakref.ref[Any]:
        for _ in range(cancellers.MOST_REQUESTS + 10):
            task = asyncio.create_task(asyncio.sleep(30))
            task.cancel()
            await asyncio.wait([task])
        return weakref.ref(task)

    ref = asyncio.run(main())
    gc.collect()
    assert ref() is None
    assert 0 < len(heard._requests) <= cancellers.MOST_REQUESTS


@needs_monitoring
def test_functions_made_without_end(heard: Cancellers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that makes functions without end does not have them all kept."""
    monkeypatch.setattr(cancellers, "MOST_CODES", len(heard._codes) + 3)
    for _ in range(20):
        fresh("def go(thing):\n    thing.cancel()\n")(type("Thing", (), {"cancel": lambda self: None})())
    assert len(heard._codes) == cancellers.MOST_CODES


@needs_monitoring
def test_nothing_is_left() -> None:
    """Uninstalled, the number is free, no function is listened to, and a later watcher hears the same function again."""
    before = [monitoring.get_tool(tool) for tool in range(6)]
    go = fresh("def go(task):\n    task.cancel()\n")

    async def main(heard: Cancellers) -> bool:
        task = asyncio.create_task(asyncio.sleep(30))
        await asyncio.sleep(0)
        go(task)
        await asyncio.wait([task])
        return heard.last(task) is not None

    for _ in range(2):
        heard = Cancellers(Bus(frozenset({"AW209"})), wanted=True)
        heard.install()
        tool = heard._tool
        assert asyncio.run(main(heard))
        heard.uninstall()
        assert [monitoring.get_tool(tool) for tool in range(6)] == before
        monitoring.use_tool_id(tool, "test")
        assert monitoring.get_events(tool) == monitoring.get_local_events(tool, go.__code__) == 0
        monitoring.free_tool_id(tool)
        assert not asyncio.run(main(heard))


@needs_monitoring
def test_a_fault_of_ours(heard: Cancellers, monkeypatch: pytest.MonkeyPatch) -> None:
    """When our own code raises, the call goes on as without us and the part is switched off."""

    def broken(task: Any) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        monkeypatch.setattr(heard, "_note", broken)
        task = asyncio.create_task(asyncio.sleep(30))
        await asyncio.sleep(0)
        assert task.cancel()
        assert task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())
    assert list(heard._bus.broken) == [cancellers.PART]


@needs_monitoring
def test_no_number_is_free() -> None:
    """Where other tools have taken the numbers, theirs are left alone and the row says so."""
    taken = [tool for tool in tools.NUMBERS if monitoring.get_tool(tool) is None]
    for tool in taken:
        monitoring.use_tool_id(tool, "another")
    try:
        heard = Cancellers(Bus(frozenset({"AW209"})), wanted=True)
        heard.install()
        assert heard.row()[1] == "blind"
        heard.uninstall()
        assert [monitoring.get_tool(tool) for tool in taken] == ["another"] * len(taken)
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)


def test_where_it_cannot_be_had() -> None:
    """In light, and on a Python that does not tell, nothing is touched and the row says why."""
    light = Cancellers(Bus(frozenset({"AW209"})), wanted=False)
    light.install()
    assert light.row() == ("cancellers", "blind", "in profile debug")
    if monitoring is None:
        assert Cancellers(Bus(frozenset()), wanted=True).row()[1] == "blind"
    else:
        assert [monitoring.get_tool(tool) for tool in tools.NUMBERS] == [None] * len(tools.NUMBERS)
