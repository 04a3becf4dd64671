"""The watcher of loops: lengths compared with what really elapsed, and nothing lost at a loop's end."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import pytest

import asyncwatch
from asyncwatch.findings import Finding
from asyncwatch.hooks.eye import Eye

LOOPS: list[Callable[[], Any]] = [asyncio.new_event_loop]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)
pytestmark = pytest.mark.alone  # lengths are measured
each_loop = pytest.mark.parametrize("factory", LOOPS, ids=lambda factory: factory.__module__)


def watched(factory: Callable[[], Any], coro: Any, **options: Any) -> tuple[list[Finding], dict[str, Any]]:
    """Run a coroutine on a loop of its own under a watch; its slow callbacks and the totals."""
    with asyncwatch.watch(output=(), **options) as watch, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(coro)
        watch.flush()
    return [one for one in watch.findings if one.rule.code == "AW101"], watch.totals()


@each_loop
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_the_length_is_what_really_elapsed(factory: Callable[[], Any], profile: str) -> None:
    """A reported duration differs from the measured one by no more than the watcher's own lateness allows."""
    lengths = []

    async def main() -> None:
        for seconds in (0.25, 0.4):
            await asyncio.sleep(0.1)
            began = time.monotonic()
            hold(seconds)
            lengths.append(time.monotonic() - began)
        await asyncio.sleep(0.1)

    def hold(seconds: float) -> None:
        if seconds == 0.25:
            time.sleep(seconds)
        else:
            time.sleep(seconds)

    found, totals = watched(factory, main(), profile=profile)
    assert len(found) == 2
    for finding, measured in zip(found, lengths, strict=True):
        allowed = max(0.04, 0.15 * measured) + totals["watcher_late"]
        assert abs(finding.evidence["duration"] - measured) <= allowed


@each_loop
def test_the_last_step_of_a_loop_is_not_lost(factory: Callable[[], Any]) -> None:
    """A step that holds the loop and ends it is reported though the loop never answers again."""

    async def main() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.3)

    found, _ = watched(factory, main())
    assert [finding.where.function for finding in found if finding.where] == ["main"]


@each_loop
def test_a_built_in_as_callback_does_not_blind_the_watcher(factory: Callable[[], Any]) -> None:
    """A callback without a frame is a pause or a finding; the stall that comes after it is reported all the same."""

    async def main() -> None:
        asyncio.get_running_loop().call_soon(time.sleep, 0.3)
        await asyncio.sleep(0.1)
        time.sleep(0.3)
        await asyncio.sleep(0.1)

    found, totals = watched(factory, main())
    assert "main" in [finding.where.function for finding in found if finding.where]
    assert "AW001" not in totals["findings"]


@each_loop
def test_the_threshold_is_read_live(factory: Callable[[], Any]) -> None:
    """`loop.slow_callback_duration` set by the program is the threshold from then on."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 10
        await asyncio.sleep(0.1)
        time.sleep(0.3)
        await asyncio.sleep(0.1)
        loop.slow_callback_duration = 0.2
        await asyncio.sleep(0.1)
        time.sleep(0.3)
        await asyncio.sleep(0.1)

    found, _ = watched(factory, main())
    assert [finding.evidence["threshold"] for finding in found] == [0.2]


def test_a_loop_is_known_from_its_beginning() -> None:
    """What its thread had spent when a loop was made is where its record begins, so that its first step is judged."""

    async def main() -> Any:
        (state,) = watch._hooks.loops.every()
        return state

    with asyncwatch.watch(output=()) as watch:
        state = asyncio.run(main())
        assert state.baseline[0] == state.born
        before = Eye(state, state.born).notes(state.born, lambda: None, 0.0)
    assert before == state.baseline[1]
