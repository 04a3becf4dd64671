"""Requests to cancel that still count: which of them are proof that somebody ignored one."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio

from asyncwatch.hooks.cancels import asking_scope, may_be_left_over


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
