"""The ledger of tasks: bounded in what one moment may put into it."""

from __future__ import annotations

import asyncio
import warnings

import pytest

import asyncwatch
from asyncwatch.hooks import bus

pytestmark = pytest.mark.usefixtures("twin")


def test_a_storm_is_recorded_up_to_a_bound_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tasks created faster than looks make room the first are recorded and all others counted."""
    monkeypatch.setattr(bus, "RATE", 0)

    async def nothing() -> None:
        pass

    async def main() -> int:
        before = int(watch._bus.room)
        await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(3 * bus.ROOM)])
        return before

    with asyncwatch.watch(output=()) as watch:
        room = asyncio.run(main())
        ledger = watch._hooks.ledger
        assert 0 < room <= bus.ROOM
        assert watch._bus.skipped >= 3 * bus.ROOM - room
        assert len(ledger.records) <= bus.ROOM
    assert watch.totals()["tasks_not_recorded"] == watch._bus.skipped


def test_a_flood_at_one_place_is_counted_to_the_last() -> None:
    """Ten thousand findings of one line between two looks: none is lost, and few are told in full."""

    async def forgotten() -> None:
        pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(10_000):
            forgotten()
        for _ in range(3_000):
            loop.call_exception_handler({"message": "flood", "exception": ERROR})
        await asyncio.sleep(0.2)
        for _ in range(500):
            forgotten()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with asyncwatch.watch(output=()) as watch:
            asyncio.run(main())
    found = watch.totals()
    assert found["findings"]["AW301"] == 10_500
    assert found["findings"]["AW403"] == 3_000
    assert found["dropped_events"] == 0


ERROR = ValueError("flood")


def test_another_place_is_told_in_full_during_a_flood() -> None:
    """What is counted only is of that one line: two lines and two exceptions are four findings."""

    async def forgotten() -> None:
        pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(200):
            forgotten()
        for _ in range(200):
            forgotten()
        for error in (ValueError(), KeyError()):
            for _ in range(200):
                loop.call_exception_handler({"message": "flood", "exception": error})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with asyncwatch.watch(output=()) as watch:
            asyncio.run(main())
    lines = {finding.where.line for finding in watch.findings if finding.rule.code == "AW301" and finding.where}
    assert len(lines) == 2
    found = watch.totals()["findings"]
    assert (found["AW301"], found["AW403"]) == (400, 400)
