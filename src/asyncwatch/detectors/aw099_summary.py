"""AW099 summary: the run ends, and says what was seen and what was not.

What it detects
    Nothing: it is the last line of every run. It has the number of findings by rule, how many events were dropped
    because a buffer was full, how many findings did not reach a collector (`otlp`), how many pauses nothing explains,
    and what the watching itself cost.

Why it matters
    Findings are said once and counted afterwards; here are the counts. A pause that nothing explains is native code
    that held the GIL, or a process without a CPU: it is counted instead of blamed on some line.

Example
    {"code": "AW099", "rule": "summary", "evidence": {"findings": {"AW101": 12}, "dropped_events": 0}}

Instead
    Nothing to change.

False alarms
    None possible.

Settings
    Level info; the console shows it as its last lines whatever the level.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.events import Ended, Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope

RULE = Rule("AW099", "summary", "info", "runs summed up", __doc__)


class Detector:
    """Says what the run counted."""

    listens = Ended

    def __init__(self, scope: Scope) -> None:
        del scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, Ended)
        findings = event.totals.get("findings", {})
        total = sum(findings.values())
        noun = "finding" if total == 1 else "findings"
        text = f"{total} {noun}, of {', '.join(findings)}" if total else "nothing found"
        yield Finding(RULE, RULE.level, text, evidence=dict(event.totals))
