"""Tasks that wait for each other: by await, in a task group, through gather, or for a lock that one of them holds."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable
from types import FunctionType, MethodType
from typing import Any

from asyncwatch.hooks import waiting

MOST_TASKS = 200


def cycle_of(task: Any, owner: Callable[[Any], Any], others: Callable[[], Iterable[Any]] = tuple) -> list[Any]:
    """The tasks of a cycle that `task` is in, each waiting for the next; empty where there is none.

    `owner` tells the task that holds a lock, `others` are the tasks that may give back what they do not hold.
    """
    path: list[Any] = []
    seen: set[int] = set()
    todo: list[tuple[int, Any]] = [(0, task)]
    while todo and len(seen) < MOST_TASKS:
        depth, current = todo.pop()
        del path[depth:]
        path.append(current)
        for other in _needs(current, owner, others):
            if other is task:
                return path
            if id(other) not in seen and not other.done():
                seen.add(id(other))
                todo.append((depth + 1, other))
    return []


def _needs(task: Any, owner: Callable[[Any], Any], others: Callable[[], Iterable[Any]]) -> list[Any]:
    """The task without which this one cannot go on, whatever happens to others.

    Of several that are waited for one may fail, which ends the wait: of a task group or gather by its error, of `wait`
    because the first was enough.
    """
    wait = waiting.wait_of(task)
    if wait is None:
        return []
    if wait.kind == "lock":
        holder = owner(wait.target)
        if holder is None or holder.done():
            return []
        alone = _gives_back(holder, wait.target) or not any(_opens(other, wait.target) for other in others())
        return [holder] if alone else []
    found = [other for other in waiting.awaited(task, wait) if not other.done()]
    return found if len(found) == 1 else []


def _gives_back(holder: Any, lock: Any) -> bool:
    """Whether the one who took a lock means to release it itself: it stands in `async with`, or its code says so.

    A lock may be a gate as well, that another opens.
    """
    for link in waiting.links(holder):
        frame = waiting.frame_of(link)
        if frame is not None and "release" in frame.f_code.co_names:
            return True
        ways_out = [thing for thing in gc.get_referents(link) if _is_way_out(thing)]
        if ways_out and any(thing is lock or _lock_of(thing) is lock for thing in waiting.in_hand(link)):
            return True
    return False


def _opens(task: Any, lock: Any) -> bool:
    """Whether a task has a lock in hand, and code that releases."""
    for link in waiting.links(task):
        frame = waiting.frame_of(link)
        releases = frame is not None and "release" in frame.f_code.co_names
        if releases and any(thing is lock for thing in waiting.in_hand(link)):
            return True
    return False


def _is_way_out(thing: Any) -> bool:
    """Whether this is what leaves an `async with`."""
    return type(thing) in (FunctionType, MethodType) and thing.__name__ == "__aexit__"


def _lock_of(thing: Any) -> Any:
    return thing._lock if type(thing) is asyncio.Condition else None  # type: ignore[attr-defined]
