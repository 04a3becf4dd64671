"""AW209 cancellation-ignored: asked to cancel, still running after `cancel-grace`.

What it detects
    A task whose `cancel()` was called a second ago or more (`--cancel-grace`) and which runs on: it swallowed
    CancelledError, its clean-up hangs, or it shields itself for ever. Of tasks that were cancelled together only the
    innermost is named. A request that was taken back (`uncancel()`, as timeouts and task groups do) is silent.

Why it matters
    Whoever cancelled waits: a timeout does not end in time, a task group does not close, the program does not stop on
    Ctrl-C until it is killed.

Example
    while True:
        try:
            await step()
        except BaseException:                        # CancelledError is one
            log.exception("again")

Instead
    except Exception:                                # CancelledError passes
        log.exception("again")

    except asyncio.CancelledError:
        await close()
        raise                                        # after cleaning up, and with a timeout around what may hang

    In source: flake8-async ASYNC103, ASYNC104, ASYNC120.

False alarms
    A clean-up that takes longer than the grace. One that stands under a timeout of its own is silent until that ends.

Settings
    `--cancel-grace SECONDS` (1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asyncwatch.detectors.places import level_for, seconds
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
        if event.heard_by:
            evidence["awaited_by"] = all_as_evidence(event.heard_by, self._scope)
        by = f" by {event.by}" if event.by else ""
        text = f"{named(standing)} was cancelled{by} {seconds(event.asked)} ago and goes on: it waits for"
        text += f" {what(standing.kind)}"
        level = level_for(RULE.level, where, self._scope)
        yield Finding(RULE, level, text, where, stack, standing.task, evidence, event.loop)
