"""AW209 cancellation-ignored: asked to cancel, still running after `cancel-grace`.

What it detects
    A task whose `cancel()` was called a second ago or more (`--cancel-grace`) and which runs on: it swallowed
    CancelledError, its clean-up hangs, or it shields itself for ever. Of tasks that were cancelled together only the
    innermost is named. A request that was taken back (`uncancel()`, as timeouts and task groups do) is silent.
    `cancelled_by` says who asked as far as that still stands: a timeout, a task group, a task that waits, the shutdown.
    Which line called `cancel()` (`cancelled_at`) is seen in profile debug from Python 3.12 on.

Why it matters
    Whoever cancelled waits: a timeout does not end in time, a task group does not close, the program does not stop on
    Ctrl-C until it is killed.

Example
    CancelledError is a BaseException, and is caught with the rest:

        async def worker(queue):
            while True:
                try:
                    await handle(await queue.get())       # <- AW209
                except BaseException:
                    log.exception("again")

    Or the clean-up waits for somebody who has gone:

        async def session(peer):
            try:
                await talk(peer)
            finally:
                await peer.goodbye()              # <- AW209

Instead
    CancelledError is no Exception, and passes:

        async def worker(queue):
            while True:
                try:
                    await handle(await queue.get())
                except Exception:
                    log.exception("again")

    Where it must be caught, it is raised again after cleaning up:

        async def worker(queue):
            while True:
                try:
                    await handle(await queue.get())
                except asyncio.CancelledError:
                    log.info("stopping")
                    raise
                except Exception:
                    log.exception("again")

    A timeout around a clean-up that may hang:

        async def session(peer):
            try:
                await talk(peer)
            finally:
                async with asyncio.timeout(3):
                    await peer.goodbye()

    In source: flake8-async ASYNC103 and ASYNC104, cancellation caught and not raised again; ASYNC120, an `await` in an
    `except` that raises; ASYNC102, one in a `finally`, in trio and anyio only. ruff has BLE001 and E722 for the first.
    They see that it could be swallowed, this rule that it was.

False alarms
    A clean-up that takes longer than the grace. One that stands under a timeout of its own is silent until that ends.
    Requests that a task group made and forgot to take back, as it may before Python 3.13, do not count.

Settings
    `--cancel-grace SECONDS` (1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asyncwatch.detectors.places import level_for, outermost_first, seconds
from asyncwatch.detectors.standings import all_as_evidence, named, what, where_of
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope
from asyncwatch.task_events import CancelIgnored

RULE = Rule("AW209", "cancellation-ignored", "warning", "tasks ran on after they were cancelled", __doc__)


class Detector:
    """Judges one task that was asked to end."""

    listens = CancelIgnored

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, CancelIgnored)
        standing = event.standing
        where, stack = where_of(standing, self._scope)
        evidence: dict[str, Any] = {
            "cancelled_ago": round(event.asked, 3),
            "requests": event.requests,
            "cancelled_by": event.by or "not known: nothing that still stands asked",
            "waits_for": standing.kind,
        }
        asked_at = self._scope.innermost(outermost_first(event.request))
        if asked_at is not None and self._scope.is_app(asked_at.file):
            evidence["cancelled_at"] = asked_at.to_dict()
        if event.heard_by:
            evidence["awaited_by"] = all_as_evidence(event.heard_by, self._scope)
        by = f" by {event.by}" if event.by else ""
        text = f"{named(standing)} was cancelled{by} {seconds(event.asked)} ago and goes on: it waits for"
        text += f" {what(standing.kind)}"
        level = level_for(RULE.level, where, self._scope)
        yield Finding(RULE, level, text, where, stack, standing.task, evidence, event.loop)
