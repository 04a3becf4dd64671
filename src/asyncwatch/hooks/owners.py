"""Who holds a task, and who will hear of its end. Asked on the task's own loop thread, between two callbacks.

A suspended task that nobody holds is referred to by its wake-up alone (a callback of the future it waits for, or
the handle that will run it), and by parts of asyncio it uses itself: each `asyncio.timeout()` and `TaskGroup` it
stands in, and from 3.14 on the `awaited_by` of what it waits for. Those are counted by following references
forward from the task's own coroutine, through asyncio's objects only. Any further reference is a holder.
https://github.com/python/cpython/blob/3.14/Modules/_asynciomodule.c (future_awaited_by_add, task_step_impl)
"""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CoroutineType, FrameType, FunctionType, GeneratorType, MethodType
from typing import Any

from asyncwatch.frames import RawFrame

# A task with more references than this is held by somebody; it spares the search.
MOST_REFERENCES = 64
MOST_VISITS = 400
DEEPEST = 64

_CONTAINERS: tuple[type, ...] = (list, tuple, set, frozenset, dict)
_PLUMBING: tuple[type, ...] = (MethodType, BuiltinFunctionType, CellType)
_WAIT_PARTS: tuple[type, ...] = (*_PLUMBING, asyncio.Future, asyncio.Timeout, asyncio.TaskGroup)


class _Probe:
    __slots__ = ("__weakref__",)


def references(ref: Callable[[], Any]) -> int:
    """How many references to its object there are, as seen from inside this function; -1 when it is gone."""
    target = ref()
    return -1 if target is None else sys.getrefcount(target)


def _baseline() -> int:
    probe = _Probe()
    return references(weakref.ref(probe)) - 1


# What `references` itself adds: measured here, since interpreters differ in what a local variable costs.
OWN_REFERENCES = _baseline()


def is_unheld(ref: Callable[[], Any]) -> bool:
    """Whether nothing but its own wake-up and its own waiting refers to the suspended task behind `ref`."""
    extra = references(ref) - OWN_REFERENCES
    if not 0 < extra <= MOST_REFERENCES:
        return False
    return extra == 1 or extra == self_references(ref())


def self_references(task: Any) -> int:
    """How many references to `task` come from its own waiting; at least the one that will wake it."""
    waiter = task._fut_waiter
    todo: list[Any] = [waiter] if waiter is not None else []
    coro: Any = task.get_coro()
    for _ in range(DEEPEST):
        if not isinstance(coro, CoroutineType | GeneratorType):
            break
        todo.extend(part for part in gc.get_referents(coro) if _is_wait_part(part))
        coro = coro.cr_await if isinstance(coro, CoroutineType) else coro.gi_yieldfrom
    count = 0 if waiter is not None else 1  # no waiter: the loop's handle holds it
    seen: set[int] = {id(task)}
    for _ in range(MOST_VISITS):
        if not todo:
            break
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        for other in gc.get_referents(part):
            if other is task:
                count += 1
            elif _is_wait_part(other) or (isinstance(other, _CONTAINERS) and _is_wait_part(part)):
                todo.append(other)
    return count


def _is_wait_part(thing: Any) -> bool:
    if isinstance(thing, FunctionType):
        return thing.__module__.startswith("asyncio.") if isinstance(thing.__module__, str) else False
    return isinstance(thing, _WAIT_PARTS) or type(thing).__name__ == "TaskWakeupMethWrapper"


def will_be_heard(task: Any) -> bool:
    """Whether anybody waits for the task, as a task, a task group, gather, or a done-callback."""
    return bool(task._callbacks)


def waits_at(task: Any) -> tuple[RawFrame, ...]:
    """The await chain of a suspended task, innermost first."""
    found: list[RawFrame] = []
    coro: Any = task.get_coro()
    for _ in range(DEEPEST):
        frame: FrameType | None
        if isinstance(coro, CoroutineType):
            frame, following = coro.cr_frame, coro.cr_await
        elif isinstance(coro, GeneratorType):
            frame, following = coro.gi_frame, coro.gi_yieldfrom
        else:
            break
        if frame is not None:
            found.append((frame.f_code, frame.f_lasti))
        coro = following
    return tuple(reversed(found))
