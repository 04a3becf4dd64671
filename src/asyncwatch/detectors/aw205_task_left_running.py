"""AW205 task-left-running: still pending when its loop was shut down.

What it detects
    A task that `asyncio.run()` had to cancel at its end: info. A task over which the loop was closed, or whose loop
    was never closed nor run again: a warning, since it will never run again, not even its `finally`. A task already
    reported as AW201 or AW202 is not repeated.

Why it matters
    Work that is cut off at shutdown loses what it had in hand. A loop closed over a task leaves files, locks and
    connections as they were.

Example
        loop = asyncio.new_event_loop()
        task = loop.create_task(worker())         # <- AW205
        loop.run_until_complete(serve())
        loop.close()

Instead
    Let `asyncio.run()` make and close the loop, and end the worker before that. What `asyncio.run()` itself has to
    cancel is level info.

        async def main():
            task = asyncio.create_task(worker())
            try:
                await serve()
            finally:
                task.cancel()
                await asyncio.wait([task])

        asyncio.run(main())

    The same with a task group, which hears of a failing worker, too:

        async def main():
            async with asyncio.TaskGroup() as group:
                task = group.create_task(worker())
                await serve()
                task.cancel()

        asyncio.run(main())

    Where the loop must be made by hand, it goes on until the task has ended:

        loop = asyncio.new_event_loop()
        task = loop.create_task(worker())
        try:
            loop.run_until_complete(serve())
        finally:
            task.cancel()
            loop.run_until_complete(asyncio.wait([task]))
            loop.close()

    In source: none.

False alarms
    A worker that is meant to be cancelled at the end is level info.

Settings
    `--ignore AW205`.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import creation, level_for, outermost_first
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope
from asyncwatch.task_events import TaskLeft

RULE = Rule("AW205", "task-left-running", "warning", "tasks were pending at shutdown", __doc__)

HOW = {
    "cancelled": "its loop's shutdown cancelled it",
    "closed": "its loop was closed over it",
    "open": "the program ended, which never closed its loop",
}


class Detector:
    """Judges one task that the end of its loop met pending."""

    listens = TaskLeft

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TaskLeft)
        if event.reported:
            return
        where, stack = creation(event.task, self._scope)
        evidence: dict[str, object] = {"loop_closed": event.how == "closed"}
        waits = outermost_first(event.waits)
        if waits:
            evidence["waits_at"] = [frame.to_dict() for frame in waits]
        yield Finding(
            RULE,
            level_for(RULE.level, where, self._scope) if event.how != "cancelled" else "info",
            f"task {event.task.name!r} ({event.task.coro}) was still pending when {HOW[event.how]}",
            where,
            stack,
            event.task,
            evidence,
            event.loop,
        )
