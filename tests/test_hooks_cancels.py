"""Requests to cancel that still count: which of them are proof that somebody ignored one."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import anyio
import pytest

from asyncwatch import env
from asyncwatch.hooks import forgotten
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.cancels import asking_scope, may_be_left_over
from asyncwatch.hooks.forgotten import Forgotten
from asyncwatch.hooks.patch import Patches


def here() -> Any:
    return asyncio.current_task()


def test_a_scope_that_still_asks_is_proof() -> None:
    """Of a task that hides from a cancelled scope the scope that asked at first still asks."""

    async def main() -> None:
        with anyio.CancelScope() as outer, anyio.CancelScope(shield=True):
            outer.cancel()
            asked_by = asking_scope(here())
            await anyio.sleep(0.01)
            assert asked_by is not None
            assert not may_be_left_over(here(), asked_by)

    asyncio.run(main())


def test_a_new_scope_at_each_turn_is_no_proof() -> None:
    """A task that makes a scope, cancels it and leaves it again and again is asked by another each time."""

    async def main() -> None:
        with anyio.CancelScope() as first:
            first.cancel()
            asked_by = asking_scope(here())
        with anyio.CancelScope() as second:
            second.cancel()
            assert may_be_left_over(here(), asked_by)

    asyncio.run(main())


def test_a_count_with_no_scope_that_asks_is_no_proof() -> None:
    """In scopes of anyio's none of which was cancelled a count says nothing; outside of them it does."""

    async def main() -> None:
        assert asking_scope(here()) is None
        assert not may_be_left_over(here(), None)
        with anyio.CancelScope():
            assert asking_scope(here()) is None
            assert may_be_left_over(here(), None)

    asyncio.run(main())


async def fails(seconds: float) -> None:
    await asyncio.sleep(seconds)
    raise LookupError("on purpose")


async def group_fails(body: float, child: float) -> None:
    """A group whose child fails after so long, while the body sleeps or has ended."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails(child))
            await asyncio.sleep(body)
    except* LookupError:
        pass


@pytest.mark.parametrize("forget", [env.GROUPS_FORGET, True])
@pytest.mark.parametrize(("body", "child"), [(0, 0.01), (30, 0)])
def test_what_a_task_group_forgot_to_take_back_is_no_request(
    monkeypatch: pytest.MonkeyPatch, body: float, child: float, forget: bool
) -> None:
    """After a group whose child failed its task was asked by nobody, on every Python; the program's own requests count,
    before and after; what the task takes back itself is forgotten here too."""
    monkeypatch.setattr(env, "GROUPS_FORGET", forget)
    patches, left = Patches(), Forgotten(Bus(frozenset())).left
    left.__self__.install(patches)

    async def main() -> None:
        task = here()
        for _ in range(2):
            await group_fails(body, child)
            assert left(task) == 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(1)
        assert left(task) == 1
        while task.cancelling():
            task.uncancel()
        assert left(task) == 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(1)
        assert left(task) == 1
        task.uncancel()

    try:
        asyncio.run(main())
    finally:
        assert patches.undo() == []
    assert not hasattr(vars(asyncio.TaskGroup)[forgotten.ABORT], "__wrapped__")


def test_of_tasks_that_are_gone_nothing_is_kept() -> None:
    """Requests are counted for a task that lives; another at its address has none, and no more than a bound is kept."""
    counts = Forgotten(Bus(frozenset()))

    class Group:
        def __init__(self, task: Any) -> None:
            self._parent_task = task

    class Task:
        def cancelling(self) -> int:
            return 3

    first = Task()
    counts.note(Group(first))
    counts.note(Group(first))
    assert (counts.of(first), counts.left(first)) == (2, 1)
    number = id(first)
    del first
    gc.collect()
    counts.counts[id(other := Task())] = counts.counts[number]
    assert (counts.of(other), counts.left(other)) == (0, 3)
    many = [Task() for _ in range(forgotten.MOST_TASKS + 1)]
    for task in many:
        counts.note(Group(task))
    assert len(counts.counts) == forgotten.MOST_TASKS
