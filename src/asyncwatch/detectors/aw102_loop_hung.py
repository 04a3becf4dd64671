"""AW102 loop-hung: a callback or step has held the loop for `hang-after` seconds, and still does.

What it detects
    The same as AW101, while it lasts: a loop that does not come back has nothing to say afterwards. When it does
    come back, an AW101 at level info gives the length.

Why it matters
    Nothing of the program runs any more: no request, no timer, no health check, no graceful shutdown.

Example
    A lock of the threads, whose owner waits for this very loop:

        lock = threading.Lock()

        async def refresh(cache):
            with lock:                            # <- AW102
                cache.clear()

    Or native code that does not come back, here for a long word with a "!" after it:

        async def is_name(text):
            found = re.fullmatch("([a-z]+ ?)*", text)     # <- AW102
            return found is not None

Instead
    Among tasks, asyncio's own lock, queue or event:

        lock = asyncio.Lock()

        async def refresh(cache):
            async with lock:
                cache.clear()

    With other threads, the lock and the work under it in a thread:

        lock = threading.Lock()

        def clear(cache):
            with lock:
                cache.clear()

        async def refresh(cache):
            await asyncio.to_thread(clear, cache)

    A pattern that has one way to match each text:

        async def is_name(text):
            found = re.fullmatch("[a-z]+( [a-z]+)* ?", text)
            return found is not None

    What may compute without end, in a process that can be killed:

        async def is_name(text):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "check_name", text
            )
            try:
                async with asyncio.timeout(1):
                    return await process.wait() == 0
            except TimeoutError:
                process.kill()
                await process.wait()
                return False

    While native code holds the GIL nothing of this process can write a line. Then the raw stack of all threads, as
    `faulthandler` prints it, is put on the first output by the kernel's timer; the finding follows if it ends.
    Blind without that timer: AW000 says so.

    In source: as for AW101; and flake8-async ASYNC913 (opt-in), an endless loop without an `await`. They do not see
    locks, nor how long something takes.

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
