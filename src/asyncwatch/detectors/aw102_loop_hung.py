"""AW102 loop-hung: a callback or step has held the loop for `hang-after` seconds, and still does.

What it detects
    The same as AW101, while it lasts: a loop that does not come back has nothing to say afterwards. When it does
    come back, an AW101 at level info gives the length.

Why it matters
    Nothing of the program runs any more: no request, no timer, no health check, no graceful shutdown.

Example
    lock.acquire()                       # a threading.Lock whose owner waits for this very loop

    re.match(r"(a+)+$", "a" * 40)        # native code that never gives the GIL back

Instead
    asyncio's own primitives inside the loop's thread: `asyncio.Lock`, `asyncio.Queue`, streams with a timeout.
    What must block goes to a thread: `await asyncio.to_thread(lock.acquire)`; what computes without end, to a
    process that can be killed.

    While native code holds the GIL nothing of this process can write a line. Then the raw stack of all threads, as
    `faulthandler` prints it, is put on the first output by the kernel's timer; the finding follows if it ends.
    Blind without that timer: AW000 says so.

False alarms
    A process that stands in a debugger, was stopped, or gets no CPU is not hung and is not reported.

Settings
    `--hang-after SECONDS` (5).
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.aw101_slow_callback import in_place
from asyncwatch.detectors.causes import BLAMED, cause_of
from asyncwatch.detectors.places import outermost_first, seconds
from asyncwatch.detectors.shares import Shares
from asyncwatch.events import Event, LoopHung
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope

RULE = Rule("AW102", "loop-hung", "error", "loops were hung", __doc__)


class Detector:
    """Judges a loop that does not come back."""

    listens = LoopHung

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, LoopHung)
        if event.duration < event.hang_after or not event.samples:
            return
        shares = Shares(event.samples, self._scope)
        cause, measures = cause_of(event.account, event.duration, event.hang_after, shares.raws)
        if cause not in BLAMED:
            return
        evidence: dict[str, object] = {
            "duration": round(event.duration, 4),
            "hang_after": event.hang_after,
            "cause": cause,
            "samples": shares.total,
            "ended": event.ended,
            **measures,
        }
        rows = shares.rows()
        if len(rows) > 1:
            evidence["lines"] = rows
        who = f"step of task {event.task.name!r}" if event.task else "callback"
        if event.holder is not None:
            evidence["holder"] = event.holder
            who = f"thread {event.holder!r} with the GIL"
        has = "held" if event.ended else "has held"
        text = f"{who} {has} the loop for {seconds(event.duration)}{in_place(shares)}"
        if not event.ended:
            text += ", and still does"
        yield Finding(
            RULE, RULE.level, text, shares.where, outermost_first(shares.raws), event.task, evidence, event.loop
        )
