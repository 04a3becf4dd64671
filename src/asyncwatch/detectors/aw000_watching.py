"""AW000 watching: the run begins, and says what it can and cannot see.

What it detects
    Nothing: it is the first line of every run. It names the profile, the loop's class, and each hook as armed, or
    as blind with the reason.

Why it matters
    A watcher that is blind and silent looks like a healthy program. What cannot be seen here is said here.

Example
    {"code": "AW000", "rule": "watching", "evidence": {"profile": "light", "hooks": {"tasks": "armed"}}}

Instead
    Nothing to change. `asyncwatch doctor` says the same before a program is started.

False alarms
    None possible.

Settings
    `--profile`; level info, so the console does not show it.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.events import Event, Started
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope

RULE = Rule("AW000", "watching", "info", "runs watched", __doc__)


class Detector:
    """Says that watching began."""

    listens = Started

    def __init__(self, scope: Scope) -> None:
        del scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, Started)
        hooks = {name: state if not reason else f"{state}: {reason}" for name, state, reason in event.hooks}
        blind = [name for name, state, _ in event.hooks if state == "blind"]
        text = f"watching {event.loop.kind if event.loop else 'for event loops'} in profile {event.profile}"
        if blind:
            text += f", blind: {', '.join(blind)}"
        evidence = {"profile": event.profile, "hooks": hooks, **event.versions}
        loop = event.loop
        yield Finding(
            RULE,
            RULE.level,
            text,
            evidence=evidence,
            loop=loop,
        )
