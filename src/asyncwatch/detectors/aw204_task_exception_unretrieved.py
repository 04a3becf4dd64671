"""AW204 task-exception-unretrieved: a task failed, and nobody asked for the exception.

What it detects
    A task that ended with an exception and was destroyed without anybody having awaited it, called `exception()` or
    `result()`. asyncio's own report of the same is taken over; it names no creation site outside debug mode.

Why it matters
    The work was not done and the caller does not know. asyncio says so only when the garbage collector comes by.

Example
    task = asyncio.create_task(save(order))          # fails; nobody awaits it

Instead
    async with asyncio.TaskGroup() as group:         # the failure reaches the parent
        group.create_task(save(order))

    await task                                       # or ask for the result where it is needed
    task.add_done_callback(log_failure)              # or listen; log_failure calls task.exception()

False alarms
    None known: the interpreter itself states that the exception was never retrieved.

Settings
    `--ignore AW204` leaves asyncio's own report alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import creation
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope, resolve_all
from asyncwatch.task_events import TaskFailed

RULE = Rule("AW204", "task-exception-unretrieved", "error", "tasks failed and nobody asked", __doc__)


class Detector:
    """Judges one failed task."""

    listens = TaskFailed

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TaskFailed)
        where, _ = creation(event.task, self._scope)
        frames = resolve_all(event.frames)
        raised = self._scope.innermost(frames)
        if where is None:
            where = raised
        evidence: dict[str, object] = {"exception": event.exception}
        if raised is not None:
            evidence["raised_at"] = raised.to_dict()
        text = f"task {event.task.name!r} ({event.task.coro}) failed and nobody asked: {event.exception}"
        yield Finding(
            RULE,
            RULE.level,
            text,
            where,
            frames,
            event.task,
            evidence,
            event.loop,
        )
