"""Who holds a task: the same answer on every Python, at a bounded price, whatever the task waits for."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from asyncwatch.hooks import owners

Wait = Callable[[], Coroutine[Any, Any, Any]]


async def sleeps() -> None:
    await asyncio.sleep(30)


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def gathers() -> None:
    await asyncio.gather(sleeps(), never())


async def groups() -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(sleeps())


async def shields() -> None:
    await asyncio.shield(sleeps())


async def limits() -> None:
    async with asyncio.timeout(30), asyncio.timeout(40), asyncio.timeout(50):
        await asyncio.sleep(60)


async def waits() -> None:
    await asyncio.wait([asyncio.create_task(sleeps()), asyncio.create_task(never())])


async def waits_for() -> None:
    await asyncio.wait_for(asyncio.Event().wait(), 30)


async def completes() -> None:
    for one in asyncio.as_completed([sleeps(), sleeps()]):
        await one


async def threads() -> None:
    await asyncio.to_thread(time.sleep, 0.3)


async def takes() -> None:
    await asyncio.Queue[int]().get()


async def deep() -> None:
    async with asyncio.timeout(30):
        await gathers()


KINDS: list[Wait] = [
    sleeps, never, gathers, groups, shields, limits, waits, waits_for, completes, threads, takes, deep,
]  # fmt: skip


@contextlib.asynccontextmanager
async def cleaned() -> Any:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("wait", KINDS, ids=lambda wait: wait.__name__)
def test_a_task_that_nobody_holds(wait: Wait, debug: bool) -> None:
    """Whatever it waits for, a task without a holder is unheld, and with one reference more it is held."""

    async def main() -> tuple[bool, bool, bool]:
        async with cleaned():
            ref = weakref.ref(asyncio.create_task(wait()))
            await asyncio.sleep(0.02)
            before = owners.is_unheld(ref)
            holder = ref()
            held = not owners.is_unheld(ref)
            del holder
            return before, held, owners.is_unheld(ref)

    assert asyncio.run(main(), debug=debug) == (True, True, True)


@pytest.mark.parametrize("number", [2, 10])
def test_tasks_that_share_what_they_wait_for(number: int) -> None:
    """Several dropped tasks that wait for one future are all unheld."""

    async def main() -> int:
        async with cleaned():
            future = asyncio.get_running_loop().create_future()

            async def waits_with_others() -> None:
                await future

            refs = [weakref.ref(asyncio.create_task(waits_with_others())) for _ in range(number)]
            await asyncio.sleep(0.02)
            return sum(owners.is_unheld(ref) for ref in refs)

    assert asyncio.run(main()) == number


@pytest.mark.parametrize("number", [10, 1000])
def test_the_price_does_not_grow_with_the_program(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Asking about one task looks at a bounded number of objects, however many others wait for the same thing."""
    looked_at = 0
    original = owners.gc.get_referents

    def counting(*things: Any) -> list[Any]:
        nonlocal looked_at
        found = original(*things)
        looked_at += len(found)
        return found

    async def main() -> None:
        async with cleaned():
            future = asyncio.get_running_loop().create_future()

            async def waits_with_others() -> None:
                await future

            refs = [weakref.ref(asyncio.create_task(waits_with_others())) for _ in range(number)]
            await asyncio.sleep(0.02)
            monkeypatch.setattr(owners.gc, "get_referents", counting)
            owners.is_unheld(refs[0])
            monkeypatch.undo()

    asyncio.run(main())
    assert looked_at <= 1000
