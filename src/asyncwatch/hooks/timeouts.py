"""Whether a wait will end by itself: a timeout whose expiry would cancel it, in whatever task that stands.

Told by the timer: `asyncio.timeout`, `wait_for`, `wait`, async_timeout and most that are built like them keep its
handle in a frame of the await chain, or in an object there. anyio keeps deadlines in its scopes, which know their
parents.
"""

from __future__ import annotations

import asyncio
import gc
import math
import sys
from collections.abc import Iterator
from typing import Any

from asyncwatch.hooks.hearers import waiters
from asyncwatch.hooks.waiting import in_hand, links

MOST_TASKS = 200
# Objects of a frame that may keep a timer's handle: by a part of their type's name.
_KEEPERS = ("timeout", "timer", "deadline")


def is_limited(task: Any, seen: set[int] | None = None, *, asleep: bool = False) -> bool:
    """Whether a timeout would cancel what this task waits for now; a sleep's own timer is none if it is `asleep`."""
    seen = set() if seen is None else seen
    if id(task) in seen or len(seen) >= MOST_TASKS:
        return False
    seen.add(id(task))
    chain = links(task)[:-1] if asleep else links(task)
    if any(_times(thing) for link in chain for thing in in_hand(link)) or _has_deadline(task):
        return True
    return any(waiter.cancels and is_limited(waiter.task, seen) for waiter in waiters(task))


def _times(thing: Any) -> bool:
    """Whether this is a running timer, or something made to keep one."""
    if _is_timer(thing):
        return True
    if isinstance(thing, asyncio.Timeout):
        return thing.when() is not None and not thing.expired()
    name = type(thing).__name__.lower()
    if not any(part in name for part in _KEEPERS):
        return False
    held = gc.get_referents(thing)
    return any(_is_timer(part) for part in (*held, *(vars(thing).values() if hasattr(thing, "__dict__") else ())))


def _is_timer(thing: Any) -> bool:
    # uvloop's has the same name, and the same method.
    return type(thing).__name__ == "TimerHandle" and not thing.cancelled()


def _has_deadline(task: Any) -> bool:
    """Whether a scope of anyio's around this wait has a deadline."""
    for scope in anyio_scopes(task):
        if scope.deadline != math.inf:
            return True
        if scope.shield:
            return False
    return False


def anyio_scopes(task: Any) -> Iterator[Any]:
    """The cancel scopes of anyio's around what the task does now, innermost first."""
    anyio = sys.modules.get("anyio._backends._asyncio")
    state = anyio._task_states.get(task) if anyio is not None else None
    scope = state.cancel_scope if state is not None else None
    while scope is not None:
        yield scope
        scope = scope._parent_scope
