"""Who will hear of a future's end, read from its callbacks: `await`, gather, wait, shield, wait_for, task groups.

https://github.com/python/cpython/blob/3.13/Lib/asyncio/tasks.py (gather, _wait, shield)
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from asyncwatch import plain

MOST_WAITERS = 64


@plain.record
class Waiter:
    """A task that waits for another; `cancels` when its own cancellation would reach the other."""

    task: Any
    cancels: bool


def callbacks(future: Any, keep: Callable[[Any], None] | None = None) -> list[Any]:
    """The done-callbacks of a future or task. Off its loop's thread `keep` is given what must outlast the look."""
    found = list(getattr(future, "_callbacks", None) or ())
    if keep is not None:
        keep(found)
    return [entry[0] if isinstance(entry, tuple) else entry for entry in found]


def cells(function: Any, kinds: type | tuple[type, ...]) -> Iterator[Any]:
    """What a closure of asyncio's holds, of these types."""
    for cell in getattr(function, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:
            continue  # not filled yet
        if isinstance(content, kinds):
            yield content


def waiters(
    future: Any, *, cancels: bool = True, depth: int = 4, keep: Callable[[Any], None] | None = None
) -> Iterator[Waiter]:
    """The tasks that will hear of a future's end: by `await`, gather, wait, shield, wait_for, or in a task group."""
    for callback in callbacks(future, keep)[:MOST_WAITERS]:
        owner = getattr(callback, "__self__", None)
        if isinstance(owner, asyncio.Task):
            yield Waiter(owner, cancels)
        elif isinstance(owner, asyncio.TaskGroup):
            parent = owner._parent_task  # type: ignore[attr-defined]
            if parent is not None:
                yield Waiter(parent, cancels)
        elif depth and isinstance(callback, functools.partial):
            for waiter in callback.args:  # wait_for of 3.11
                # Not a task: gather of 3.14 has one there, to take back what it wrote in the children's `awaited_by`.
                if isinstance(waiter, asyncio.Future) and not isinstance(waiter, asyncio.Task):
                    yield from waiters(waiter, cancels=cancels, depth=depth - 1, keep=keep)
        elif depth and isinstance(callback, FunctionType) and callback.__module__ == "asyncio.tasks":
            name = callback.__qualname__
            if name in ("gather.<locals>._done_callback", "_wait.<locals>._on_completion") or "shield" in name:
                reaches = cancels and name.startswith("gather")
                for outer in cells(callback, asyncio.Future):
                    if outer is not future and not isinstance(outer, asyncio.Task):
                        yield from waiters(outer, cancels=reaches, depth=depth - 1, keep=keep)
