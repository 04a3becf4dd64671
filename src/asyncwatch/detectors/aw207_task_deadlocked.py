"""AW207 task-deadlocked: it waits for something that waits for it, or that nothing alive can ever set.

What it detects
    Tasks that wait for each other in a circle: by `await`, in a task group, through gather, or for a lock that one of
    them holds. And a task whose queue, event, condition, semaphore or future no living part of the program can reach:
    nobody can fill, set or release it any more. It is proof and not age, though it is only asked of a task that has
    stood at one await for `--stuck-after`.

Why it matters
    It will wait until the process ends, and so will whoever waits for it.

Example
    Somebody else transfers the other way at the same time:

        async def transfer(source, target):
            async with source.lock:
                await check(source)
                async with target.lock:           # <- AW207
                    await move(source, target)

    Or nobody is left who could fill, set or release what is waited for. Here all readers have come to the end:

        async def collect(sources):
            queue = asyncio.Queue()
            async with asyncio.TaskGroup() as group:
                for source in sources:
                    group.create_task(read(source, queue))
                while True:
                    show(await queue.get())       # <- AW207

Instead
    One order for all:

        async def transfer(source, target):
            first, second = sorted([source, target], key=id)
            async with first.lock, second.lock:
                await check(source)
                await move(source, target)

    Or a wait that ends, and gives back what it has:

        async def transfer(source, target):
            async with source.lock:
                await check(source)
                async with asyncio.timeout(5), target.lock:
                    await move(source, target)

    Whoever ends, or fails, lets the others know:

        async def read_all(sources, queue):
            async with asyncio.TaskGroup() as group:
                for source in sources:
                    group.create_task(read(source, queue))
            await queue.put(None)                 # no more

        async def collect(sources):
            queue = asyncio.Queue()
            async with asyncio.TaskGroup() as group:
                group.create_task(read_all(sources, queue))
                while (item := await queue.get()) is not None:
                    show(item)

    In source: none.

False alarms
    Whoever cancels the task from outside ends its wait; that is not taken for a way out. What is held by C code, by
    another thread, by a weak reference or by the traceback of a failed task counts as reachable.

Settings
    `--stuck-after SECONDS` (30).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asyncwatch.detectors.places import level_for, seconds
from asyncwatch.detectors.standings import all_as_evidence, named, what, where_of
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope
from asyncwatch.task_events import TaskDeadlocked

RULE = Rule("AW207", "task-deadlocked", "error", "tasks waited for what cannot happen", __doc__)


class Detector:
    """Judges one proven deadlock."""

    listens = TaskDeadlocked

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TaskDeadlocked)
        standing = event.standing
        where, stack = where_of(standing, self._scope)
        evidence: dict[str, Any] = {"waited": round(event.waited, 3), "waits_for": standing.kind}
        if event.cycle:
            evidence["proof"] = "cycle"
            evidence["cycle"] = all_as_evidence(event.members, self._scope)
            others = ", ".join(repr(member.task.name) for member in event.members[1:])
            text = f"{named(standing)} waits for "
            text += f"{others}, which in the end waits for it" if others else "what it holds itself"
        else:
            evidence["proof"] = "unreachable"
            evidence["objects_looked_at"] = event.objects
            evidence["waiting_alike"] = all_as_evidence(event.members[1:], self._scope)
            text = f"{named(standing)} waits for {what(standing.kind)} that nothing else alive can reach"
        text += f"; since {seconds(event.waited)}"
        level = level_for(RULE.level, where, self._scope)
        yield Finding(RULE, level, text, where, stack, standing.task, evidence, event.loop)
