"""What the rules about waiting tasks share: one task and where it stands, in evidence and in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asyncwatch.detectors.places import outermost_first
from asyncwatch.frames import Frame, Scope
from asyncwatch.task_events import Standing

# A kind of wait inside a sentence.
KINDS = {
    "": "its turn",
    "tasks": "other tasks",
    "executor": "a job of an executor",
    "join": "a queue's unfinished tasks",
    "socket": "a connection",
    "event": "an event",
    "sleep": "a timer",
}


def where_of(standing: Standing, scope: Scope) -> tuple[Frame | None, tuple[Frame, ...]]:
    """The await to look at, and the whole await chain, outermost first."""
    stack = outermost_first(standing.frames)
    return scope.innermost(stack), stack


def what(kind: str) -> str:
    """What a task waits for, inside a sentence."""
    return KINDS.get(kind, f"a {kind}")


def named(standing: Standing) -> str:
    return f"task {standing.task.name!r} ({standing.task.coro})"


def as_evidence(standing: Standing, scope: Scope) -> dict[str, Any]:
    """One task of several."""
    found: dict[str, Any] = {"task": standing.task.name, "coro": standing.task.coro, "waits_for": standing.kind}
    where, _ = where_of(standing, scope)
    if where is not None:
        found["at"] = where.to_dict()
    return found


def all_as_evidence(standings: Iterable[Standing], scope: Scope) -> list[dict[str, Any]]:
    return [as_evidence(standing, scope) for standing in standings]
