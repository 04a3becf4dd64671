"""AW203 task-destroyed-pending: garbage-collected before it finished.

What it detects
    A task that the collector destroyed in mid-flight, because nothing referred any more to it or to what it waited
    for. asyncio's own "Task was destroyed but it is pending!" is taken over; it names no creation site outside debug
    mode.

Why it matters
    The work stopped in the middle, at an await, without an exception: no error was logged, no caller was told, and
    what stood after that await never ran.

Example
    The task, its queue and its wake-up refer to each other only:

        async def subscribe(topic):
            queue = asyncio.Queue()
            asyncio.create_task(listen(queue))            # <- AW201 AW203
            return f"subscribed to {topic.name}"

Instead
    Somebody who can wake it must know what it waits for, and somebody must hold it until it is done:

        background = set()

        async def subscribe(topic):
            queue = asyncio.Queue()
            topic.queues.append(queue)
            task = asyncio.create_task(listen(queue))
            background.add(task)
            task.add_done_callback(background.discard)
            return f"subscribed to {topic.name}"

    Or a task group, which holds it and waits for it:

        async def subscribe(topic):
            queue = asyncio.Queue()
            topic.queues.append(queue)
            async with asyncio.TaskGroup() as group:
                group.create_task(listen(queue))
            return f"no longer subscribed to {topic.name}"

    In source: ruff RUF006 and flake8-async ASYNC300. They find one cause, `create_task(…)` as a statement; this rule
    says that it has happened.

False alarms
    None known: the interpreter itself states that the task was pending. A task over which its loop was closed is
    AW205's and not said again.

Settings
    `--ignore AW203` leaves asyncio's own report alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import creation, outermost_first
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope
from asyncwatch.task_events import TaskDestroyed

RULE = Rule("AW203", "task-destroyed-pending", "error", "tasks were destroyed before they finished", __doc__)


class Detector:
    """Judges one task that died pending."""

    listens = TaskDestroyed

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TaskDestroyed)
        where, stack = creation(event.task, self._scope)
        waits = outermost_first(event.waits)
        evidence: dict[str, object] = {"pending": True, "dropped_at_creation": event.discarded}
        place = self._scope.innermost(waits)
        if waits:
            evidence["waits_at"] = [frame.to_dict() for frame in waits]
        at = f", in {place.function}() line {place.line}" if place is not None else ""
        text = f"task {event.task.name!r} ({event.task.coro}) was destroyed by the collector before it finished{at}"
        yield Finding(RULE, RULE.level, text, where, stack, event.task, evidence, event.loop)
