"""AW204 task-exception-unretrieved: a task failed, and nobody asked for the exception.

What it detects
    A task that ended with an exception and was destroyed without anybody having awaited it, called `exception()` or
    `result()`. asyncio's own report of the same is taken over; it names no creation site outside debug mode.

Why it matters
    The work was not done and the caller does not know. asyncio says so only when the garbage collector comes by.

Example
        async def order(request):
            task = asyncio.create_task(save(request))     # <- AW204
            await send_mail(request)

Instead
    In a task group the failure reaches the parent, as an exception group:

        async def order(request):
            async with asyncio.TaskGroup() as group:
                group.create_task(save(request))
                await send_mail(request)

    Ask for the result where it is needed:

        async def order(request):
            task = asyncio.create_task(save(request))
            await send_mail(request)
            await task

    Or listen:

        def log_failure(task):
            if not task.cancelled() and task.exception():
                log.error("not saved", exc_info=task.exception())

        async def order(request):
            task = asyncio.create_task(save(request))
            task.add_done_callback(log_failure)
            await send_mail(request)

    In source: none.

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
