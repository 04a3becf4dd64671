"""AW201 task-dropped: a task's only reference was discarded where it was created, and nothing else holds it.

What it detects
    A running task to which nothing refers but its own wake-up: `asyncio.create_task(…)` as a statement, a lambda or
    callback whose task the loop throws away, a helper whose caller drops the task. It is said when the task has
    lived half a second, or when it dies pending; one that ends well before is only counted.

Why it matters
    The loop keeps weak references. When what the task waits for goes away too, the garbage collector destroys the
    task in the middle of its work, without an exception anybody sees. And nobody will hear when it fails.

Example
        async def order(request):
            asyncio.create_task(send_mail(request))       # <- AW201
            return "thanks"

Instead
    Wait for it, if the answer may:

        async def order(request):
            await send_mail(request)
            return "thanks"

    Beside other work, in a task group: the children end before the parent.

        async def order(request):
            async with asyncio.TaskGroup() as group:
                group.create_task(send_mail(request))
                group.create_task(save(request))
            return "thanks"

    In the background, held until it is done:

        background = set()

        async def order(request):
            task = asyncio.create_task(send_mail(request))
            background.add(task)
            task.add_done_callback(background.discard)
            return "thanks"

    In source: ruff RUF006 and flake8-async ASYNC300. They see `create_task(…)` as a statement, however short the
    task; not a helper whose caller drops it, nor a lambda.

False alarms
    A reference held only by C code that the collector cannot see into counts as a holder, so it makes a missed
    alarm, not a false one.

Settings
    `--ignore AW201`. A task dropped by a library's own line is level info, whoever called the library.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import creation, level_for, outermost_first, place, seconds
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope, resolve
from asyncwatch.task_events import TaskUnheld

RULE = Rule("AW201", "task-dropped", "warning", "tasks were dropped where they were created", __doc__)


def is_dropped(event: TaskUnheld) -> bool:
    """Whether an unheld task is a dropped one; else its parent's end let go of it, and it is an orphan."""
    return event.discarded or not event.parent_done


class Detector:
    """Judges one task that nothing holds."""

    listens = TaskUnheld

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TaskUnheld)
        if not is_dropped(event):
            return
        where, stack = creation(event.task, self._scope)
        waits = outermost_first(event.waits)
        evidence: dict[str, object] = {
            "age": round(event.age, 3),
            "holders": 0,
            "pending": True,
            "parent_done": event.parent_done,
        }
        if waits:
            evidence["waits_at"] = [frame.to_dict() for frame in waits]
        fate = "was pending when it died" if event.dying else f"is {seconds(event.age)} old"
        # A helper that gives the task back dropped nothing, nor did the program's line that called into a library.
        dropper = resolve(event.dropper) if event.dropper is not None else where
        dropped = f"since {place(dropper)} dropped it" if dropper else "where it was created"
        text = f"task {event.task.name!r} ({event.task.coro}) is held by nothing {dropped}; it {fate}"
        yield Finding(
            RULE,
            level_for(RULE.level, dropper, self._scope),
            text,
            where,
            stack,
            event.task,
            evidence,
            event.loop,
        )
