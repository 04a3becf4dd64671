"""AW202 task-orphaned: its parent task is done, it is not, and nobody will hear of its end.

What it detects
    A task that outlived the task that created it, with no task group, gather, waiter or done-callback to hear of
    its end. Nobody holds it: a warning. Application data holds it (an attribute, a set) but nobody will hear: info.

Why it matters
    Structured concurrency promises that children end before their parent. A child that does not escapes the
    parent's timeout, cancellation and error handling: a cancelled request goes on working, a failure is lost.

Example
        async def handle(request):
            refresh = asyncio.create_task(refresh_cache())        # <- AW202
            return cached(request)

Instead
    A child of the request: the group ends when it has ended.

        async def handle(request):
            async with asyncio.TaskGroup() as group:
                group.create_task(refresh_cache())
                answer = cached(request)
            return answer

    Not a child of the request: give it to something that lives longer and listens. Here a task group of the
    application's, which hears of a failure and is cancelled with it.

        async def handle(request, application):
            application.create_task(refresh_cache())
            return cached(request)

        async def serve(requests):
            async with asyncio.TaskGroup() as application:
                async for request in requests:
                    await handle(request, application)

    Or a set that holds it and a callback that listens:

        background = set()

        def ended(task):
            background.discard(task)
            if not task.cancelled() and task.exception():
                log.error("refresh failed", exc_info=task.exception())

        async def handle(request):
            task = asyncio.create_task(refresh_cache())
            background.add(task)
            task.add_done_callback(ended)
            return cached(request)

    In source: none; RUF006 and ASYNC300 are content with a variable.

False alarms
    A task with a done-callback of the program's own is silent. Tasks that are being cancelled by the loop's
    shutdown are AW205's.

Settings
    `--ignore AW202`. A task created by a library's own line is level info.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.aw201_task_dropped import is_dropped
from asyncwatch.detectors.places import creation, level_for, outermost_first, seconds
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope
from asyncwatch.task_events import TaskOutlived, TaskUnheld

RULE = Rule("AW202", "task-orphaned", "warning", "tasks outlived the task that created them", __doc__)


class Detector:
    """Judges one task whose parent is done."""

    listens = (TaskUnheld, TaskOutlived)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TaskUnheld | TaskOutlived)
        held = isinstance(event, TaskOutlived)
        if isinstance(event, TaskUnheld) and is_dropped(event):
            return
        where, stack = creation(event.task, self._scope)
        parent = event.task.parent
        waits = outermost_first(event.waits)
        evidence: dict[str, object] = {"age": round(event.age, 3), "held": held, "heard_by": "nobody"}
        if waits:
            evidence["waits_at"] = [frame.to_dict() for frame in waits]
        who = f"its parent task {parent.name!r} ({parent.coro})" if parent else "its parent task"
        text = f"task {event.task.name!r} ({event.task.coro}) goes on after {seconds(event.age)} though {who} is done"
        yield Finding(
            RULE,
            "info" if held else level_for(RULE.level, where, self._scope),
            text,
            where,
            stack,
            event.task,
            evidence,
            event.loop,
        )
