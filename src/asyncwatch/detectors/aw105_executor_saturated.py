"""AW105 executor-saturated: work for the default executor waits `slow_callback_duration` or longer for a thread.

What it detects
    A call of `asyncio.to_thread`, `loop.run_in_executor(None, …)` or, on asyncio's own loops, `loop.getaddrinfo`
    whose work has not begun for this long, because every thread of the default executor is at work. Said while it
    waits. The line is the call that queued it; for `gather(to_thread(…))`, which has no line of the application's
    at the call, the one that created the task. The evidence says how many wait (`waiting`) for how many threads
    (`workers`), where those threads stand (`busy`) and which calls gave them their work (`busy_for`).

Why it matters
    The default executor is one pool of at most 32 threads for everybody: files, name resolution, every library's
    blocking call. Full of slow work, it delays all the rest, and the loop itself looks healthy.

Example
        async def thumbnails(paths):              # a thousand paths
            jobs = [asyncio.to_thread(shrink, path) for path in paths]
            await asyncio.gather(*jobs)           # <- AW105

Instead
    Slow work in a pool of its own:

        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(8, thread_name_prefix="thumbnails")

        async def thumbnails(paths):
            loop = asyncio.get_running_loop()
            jobs = [loop.run_in_executor(pool, shrink, path) for path in paths]
            await asyncio.gather(*jobs)

    Fewer at a time, so that threads are left for the others:

        limit = asyncio.Semaphore(4)

        async def thumbnail(path):
            async with limit:
                await asyncio.to_thread(shrink, path)

        async def thumbnails(paths):
            async with asyncio.TaskGroup() as group:
                for path in paths:
                    group.create_task(thumbnail(path))

    Or a larger default, by `loop.set_default_executor(ThreadPoolExecutor(64))`. Work that was given up by a timeout
    still keeps its thread: give the blocking call a timeout of its own.

    In source: none.

False alarms
    An executor of the program's own is never reported, nor one that is merely busy. Work that waits while threads
    are free, or while the watcher itself comes late, waits for the machine and is not reported; so a pool full of
    pure Python, whose threads keep the watcher from looking, is reported late or not at all. A call that only a
    library's lines lead to is level info. uvloop resolves names without the executor. A pool that stays full is said
    once for each line, until its queue was seen empty.

Settings
    `--slow-callback-duration SECONDS`, or `loop.slow_callback_duration` in the program, read live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from asyncwatch.detectors.places import creation, level_for, outermost_first, seconds
from asyncwatch.events import Event, ExecutorWaits
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, RawFrame, Scope

RULE = Rule("AW105", "executor-saturated", "warning", "calls waited for a thread of the default executor", __doc__)

# The evidence shows this many different lines.
ROWS = 5


class Detector:
    """Judges one piece of work that waits."""

    listens = ExecutorWaits

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, ExecutorWaits)
        if event.waited < event.threshold:
            return
        where, stack, line_is = self._place(event)
        busy = self._lines(event.busy)
        evidence: dict[str, object] = {
            "waited": round(event.waited, 4),
            "threshold": event.threshold,
            "workers": event.workers,
            "waiting": event.waiting,
            "busy": rows(busy),
        }
        if event.running:
            evidence["busy_for"] = rows(self._lines(event.running))
        evidence.update(call=event.call, line_is=line_is)
        text = f"{event.call}() has waited {seconds(event.waited)} for a thread of the default executor"
        text += f": {event.waiting} waiting for {event.workers} thread{'s'[: event.workers != 1]}{_mostly(busy)}"
        yield Finding(
            RULE, level_for(RULE.level, where, self._scope), text, where, stack, event.task, evidence, event.loop
        )

    def _place(self, event: ExecutorWaits) -> tuple[Frame | None, tuple[Frame, ...], str]:
        """The call, or, with no line of the application's there, the creation of the task that makes it."""
        stack = outermost_first(event.queued)
        where = self._scope.innermost(stack)
        if event.task is not None and (where is None or not self._scope.is_app(where.file)):
            created, made = creation(event.task, self._scope)
            if created is not None and (where is None or self._scope.is_app(created.file)):
                return created, made, "created"
        return where, stack, "called" if where is not None else "unknown"

    def _lines(self, stacks: tuple[tuple[tuple[RawFrame, ...], int], ...]) -> Counter[Frame | None]:
        """How many stand at each line: the innermost of the application's, else the innermost; None is native code."""
        lines: Counter[Frame | None] = Counter()
        for stack, count in stacks:
            lines[self._scope.innermost(outermost_first(stack))] += count
        return lines


def rows(lines: Counter[Frame | None]) -> list[dict[str, object]]:
    """The most frequent lines as evidence."""
    return [
        {**(line.to_dict() if line is not None else {"function": "native code"}), "count": count}
        for line, count in lines.most_common(ROWS)
    ]


def _mostly(lines: Counter[Frame | None]) -> str:
    """Where most threads are, as the end of a sentence."""
    if not lines:
        return ""
    line, count = lines.most_common(1)[0]
    name = "native code" if line is None else f"{line.function}()"
    return f", {count} of them in {name}"
