"""Tasks that wait for each other: by await, in a task group, through gather, or for a lock that one of them holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asyncwatch.hooks import waiting
from asyncwatch.hooks.stacks import ASYNCIO

MOST_TASKS = 200


def cycle_of(task: Any, owner: Callable[[Any], Any]) -> list[Any]:
    """The tasks of a cycle that `task` is in, each waiting for the next; empty where there is none.

    `owner` tells the task that holds a lock.
    """
    path: list[Any] = []
    seen: set[int] = set()
    todo: list[tuple[int, Any]] = [(0, task)]
    while todo and len(seen) < MOST_TASKS:
        depth, current = todo.pop()
        del path[depth:]
        path.append(current)
        for other in _needs(current, owner):
            if other is task:
                return path
            if id(other) not in seen and not other.done():
                seen.add(id(other))
                todo.append((depth + 1, other))
    return []


def _needs(task: Any, owner: Callable[[Any], Any]) -> list[Any]:
    """The tasks without each of which this one cannot go on."""
    wait = waiting.wait_of(task)
    if wait is None:
        return []
    if wait.kind == "lock":
        holder = owner(wait.target)
        return [holder] if holder is not None and not holder.done() else []
    found = [other for other in waiting.awaited(task, wait) if not other.done()]
    # Whoever waits for the first of several may go on with any; one alone must come.
    return found if len(found) < 2 or not _takes_any(wait) else []


def _takes_any(wait: waiting.Wait) -> bool:
    code = wait.frames[0][0] if wait.frames else None
    return code is not None and code.co_filename == ASYNCIO + "tasks.py"
