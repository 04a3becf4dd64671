"""AW001 watcher-fault: a part of asyncwatch failed and was switched off, or is full.

What it detects
    An exception inside one of our own hooks, detectors or outputs, or in an instrument of the program's (see
    `asyncwatch.Instrument`). The part is named and does nothing more in this run; the program and the other parts go
    on. Level info: a part has reached its limit and only counts from here on.

Why it matters
    From here on the run sees less than AW000 promised.

Example
    An output file on a disk that is full: `sinks.PATH was switched off: OSError: No space left on device`.

Instead
    For an output: mend the disk or the pipe. For an instrument: the hook that raised is named, and its lines are in
    the stack. For a limit: what floods is named by the findings before. For anything else: please report it, with this
    line.

False alarms
    None known: it is said only after the part has been switched off, or was full.

Settings
    None; it cannot be ignored.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.events import Event, LimitReached, PartFailed
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope, resolve_all

RULE = Rule("AW001", "watcher-fault", "warning", "parts of asyncwatch were switched off or full", __doc__)


class Detector:
    """Says which part failed."""

    listens = (PartFailed, LimitReached)

    def __init__(self, scope: Scope) -> None:
        del scope

    def observe(self, event: Event) -> Iterator[Finding]:
        if isinstance(event, LimitReached):
            yield Finding(RULE, "info", f"{event.part} {event.what}: {event.text}", evidence={"part": event.part})
            return
        assert isinstance(event, PartFailed)
        stack = resolve_all(event.stack)
        evidence = {"part": event.part, "exception": event.error}
        yield Finding(RULE, RULE.level, f"{event.part} was switched off: {event.error}", stack=stack, evidence=evidence)
