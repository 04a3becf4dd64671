"""AW001 watcher-fault: a part of asyncwatch failed and was switched off.

What it detects
    An exception inside one of our own hooks, detectors or outputs. The part is named and does nothing more in this
    run; the program and the other parts go on.

Why it matters
    From here on the run sees less than AW000 promised.

Example
    An output file on a disk that is full: `sinks.PATH was switched off: OSError: No space left on device`.

Instead
    For an output: mend the disk or the pipe. For anything else: please report it, with this line.

False alarms
    None known: it is said only after the part has been switched off.

Settings
    None; it cannot be ignored.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.events import Event, PartFailed
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope, resolve_all

RULE = Rule("AW001", "watcher-fault", "warning", "parts of asyncwatch were switched off", __doc__)


class Detector:
    """Says which part failed."""

    listens = PartFailed

    def __init__(self, scope: Scope) -> None:
        del scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, PartFailed)
        stack = resolve_all(event.stack)
        evidence = {"part": event.part, "exception": event.error}
        yield Finding(RULE, RULE.level, f"{event.part} was switched off: {event.error}", stack=stack, evidence=evidence)
