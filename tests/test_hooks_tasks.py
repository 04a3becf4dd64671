"""The ledger of tasks: bounded in what one moment may put into it."""

from __future__ import annotations

import asyncio

import asyncwatch
from asyncwatch.hooks import bus


def test_a_storm_is_recorded_up_to_a_bound_and_the_rest_is_counted() -> None:
    """Of tasks created in one step, so that no look comes between, the first are recorded and all others counted."""

    async def nothing() -> None:
        pass

    async def main() -> int:
        watch._hooks.look = lambda: 0.01  # the watcher does not look, so it makes no room
        await asyncio.sleep(0.05)
        before = watch._bus.room
        await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(3 * bus.ROOM)])
        return before

    with asyncwatch.watch(output=()) as watch:
        room = asyncio.run(main())
        ledger = watch._hooks.ledger
        assert 0 < room <= bus.ROOM
        assert ledger.skipped >= 3 * bus.ROOM - room
        assert len(ledger.records) <= bus.ROOM
    assert watch.totals()["tasks_not_recorded"] == ledger.skipped
