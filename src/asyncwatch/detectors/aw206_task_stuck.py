"""AW206 task-stuck: suspended at one await for `stuck-after` with no timeout around it.

What it detects
    A task that has waited at one and the same await for 30 seconds (`--stuck-after`), and no timeout anywhere would end
    that. Of tasks that wait for each other only the innermost is named, with those that wait for it. A timed sleep is
    never stuck. Waits for a lock, a semaphore, a future or an executor's job are warnings; waits that may be idle by
    design are info: a queue, an event, a condition, a connection, a child process, a library's own future. The same
    holds for a program's tasks in `trio.run`, where any deadline around one is a timeout.

Why it matters
    A wait without a timeout is for ever when the other side forgets, dies or is slow. Whoever waits for this task
    waits as long, and nothing is logged.

Example
        async def ask(question):
            reply = asyncio.get_running_loop().create_future()
            pending[question.id] = reply
            await send(question)
            return await reply                    # <- AW206

Instead
    A timeout around all that belongs together, and nothing left in the table for an answer that comes too late:

        async def ask(question):
            reply = asyncio.get_running_loop().create_future()
            pending[question.id] = reply
            try:
                async with asyncio.timeout(10):
                    await send(question)
                    return await reply
            finally:
                del pending[question.id]

    In source: none that finds a wait without a timeout. flake8-async and ruff ASYNC100 find a timeout around no wait,
    ASYNC109 a timeout that is a parameter where the caller could write `async with asyncio.timeout(…)`.

False alarms
    `await asyncio.Future()` and the like, made to run for ever by the main task or inside a `with`, and what a signal's
    handler ends, are recognised and silent. A future held by C code, or set by another thread after hours, is not.

Settings
    `--stuck-after SECONDS` (30).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asyncwatch.detectors.places import seconds
from asyncwatch.detectors.standings import all_as_evidence, as_evidence, named, what, where_of
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope, resolve
from asyncwatch.task_events import TaskStuck

RULE = Rule("AW206", "task-stuck", "warning", "tasks stood at one await", __doc__)

# What should not last, whoever waits for it.
SHORT = frozenset({"lock", "semaphore", "executor", "barrier"})


class Detector:
    """Judges one long wait."""

    listens = TaskStuck

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TaskStuck)
        standing = event.standing
        where, stack = where_of(standing, self._scope)
        evidence: dict[str, Any] = {"waited": round(event.waited, 3), "waits_for": standing.kind, "timeout": None}
        if event.chain:
            evidence["awaited_by"] = all_as_evidence(event.chain, self._scope)
        text = f"{named(standing)} has waited {seconds(event.waited)} for {what(standing.kind)}"
        if event.owner is not None:
            evidence["owner"] = as_evidence(event.owner, self._scope)
            text += f" that {named(event.owner)} holds"
        is_app = where is not None and self._scope.is_app(where.file)
        level = RULE.level if is_app and self._is_short(event) else "info"
        yield Finding(RULE, level, text, where, stack, standing.task, evidence, event.loop)

    def _is_short(self, event: TaskStuck) -> bool:
        """Whether this wait is not one of those that may be idle by design."""
        standing = event.standing
        if standing.kind in SHORT:
            return True
        # A library that awaits a future of its own may be waiting for the next message.
        own = standing.frames and self._scope.is_app(resolve(standing.frames[0]).file)
        return standing.kind == "future" and bool(own)
