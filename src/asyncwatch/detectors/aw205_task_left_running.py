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
    task = loop.create_task(worker())
    loop.run_until_complete(main())
    loop.close()                                     # worker() stops in the middle, for ever

Instead
    asyncio.run(main())                              # cancels what is left and lets it clean up

    async with asyncio.TaskGroup() as group:         # or: ends the worker before main() ends
        worker_task = group.create_task(worker())
        ...
        worker_task.cancel()

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
