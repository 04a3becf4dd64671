"""AW103 loop-saturated: no callback is slow, yet callbacks wait longer than `slow_callback_duration` to run.

What it detects
    A loop with more ready work than it gets done: many short callbacks or steps in one turn. Each of them is too
    short for AW101; together they keep everything else waiting. The line is the one where the looks found the loop
    most often, the share of each line is in the evidence.

Why it matters
    A timeout of 100 ms fires after 500, a health check is answered late, and no single line looks slow.

Example
        def render(row):
            time.sleep(0.02)                      # <- AW103

        async def publish(rows):
            loop = asyncio.get_running_loop()
            for row in rows:                      # 25 rows, 20 ms each
                loop.call_soon(render, row)

Instead
    One at a time, and not on the loop's thread:

        async def publish(rows):
            for row in rows:
                await asyncio.to_thread(render, row)

    On the loop's thread, with a turn for the others after each:

        async def publish(rows):
            for row in rows:
                render(row)
                await asyncio.sleep(0)

    Or a fixed number of tasks that take rows from an `asyncio.Queue`: each turn of the loop is as long as one step of
    all of them together.

    In source: none.

False alarms
    A loop that waited for the CPU, for the garbage collector or for a debugger is not saturated. A single burst that
    makes others wait that long is reported: it is what the rule says, once.

Settings
    `--slow-callback-duration SECONDS`, or `loop.slow_callback_duration` in the program, read live. The loop's lag is
    in the summary (AW099): `loop_lag` has p50, p99 and max in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.causes import BLAMED, cause_of
from asyncwatch.detectors.places import level_for, outermost_first, seconds
from asyncwatch.detectors.shares import Shares
from asyncwatch.events import Event, Samples, TurnsLong
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope, resolve

RULE = Rule("AW103", "loop-saturated", "warning", "turns of the loop were too long", __doc__)

# Fewer looks than this say nothing about shares.
ENOUGH = 3
# The part of the looks that the application's own lines must have to be named before a library's.
WORTH_NAMING = 0.2


class Detector:
    """Judges a turn in which nothing was slow and everything waited."""

    listens = TurnsLong

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TurnsLong)
        if event.lag < event.threshold or event.longest >= event.threshold or not event.samples:
            return
        shares = Shares(self._placed(event.samples), self._scope, total=sum(count for _, count in event.samples))
        cause, measures = cause_of(event.account, event.lag, event.threshold, shares.raws)
        if cause not in BLAMED or shares.total < ENOUGH:
            return
        where = shares.where
        evidence: dict[str, object] = {
            "lag": round(event.lag, 4),
            "threshold": event.threshold,
            "callbacks_seen": event.callbacks,
            "samples": shares.total,
            "lines": shares.rows(),
            **measures,
        }
        place = f", most of the time in {where.function}()" if where else ""
        yield Finding(
            RULE,
            level_for(RULE.level, where, self._scope),
            f"callbacks waited {seconds(event.lag)} for their turn behind many short ones{place}",
            where,
            outermost_first(shares.raws),
            None,
            evidence,
            event.loop,
        )

    def _placed(self, samples: Samples) -> Samples:
        """The looks that found a line to change; looks into the loop itself count as time, not as a place."""
        app = tuple(
            (stack, count) for stack, count in samples if any(self._scope.is_app(resolve(raw).file) for raw in stack)
        )
        if sum(count for _, count in app) >= WORTH_NAMING * sum(count for _, count in samples):
            return app
        return tuple(one for one in samples if one[0]) or samples
