"""Who holds a task, and who will hear of its end. Asked on the task's own loop thread, between two callbacks.

A suspended task that nobody holds is referred to by its wake-up alone (a callback of the future it waits for, or
the handle that will run it), and by parts of asyncio it uses itself: each `asyncio.timeout()` and `TaskGroup` it
stands in, and from 3.14 on the `awaited_by` of what it waits for. Those are counted by following references
forward from the task's own coroutine, through asyncio's objects only. So are those by its own done-callbacks, as in
`task.add_done_callback(lambda _: log(task))`, which go when it goes. Any further reference is a holder.
https://github.com/python/cpython/blob/3.14/Modules/_asynciomodule.c (future_awaited_by_add, task_step_impl)
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import sys
import weakref
from collections.abc import Callable, Sized
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import Any

from asyncwatch.hooks import hearers, waiting

# A task with more references than this is held by somebody; it spares the search.
MOST_REFERENCES = 64
# Bounds of the search: objects visited, and members of a container that are looked at.
MOST_VISITS = 256
MOST_WIDE = 32

_ASYNCIO = os.path.dirname(os.path.abspath(asyncio.__file__)) + os.sep

_CONTAINERS: tuple[type[Sized], ...] = (list, tuple, set, frozenset, dict)
_METHODS = (MethodType, BuiltinFunctionType)
_PLUMBING: tuple[type, ...] = (MethodType, BuiltinFunctionType, CellType, functools.partial)
_WAIT_PARTS: tuple[type, ...] = (*_PLUMBING, asyncio.Future, asyncio.Timeout, asyncio.TaskGroup)


# What anyio and aiohttp build of timeouts and groups: it refers to the task that stands in it.
_SCOPES = frozenset({"CancelScope", "TimerContext", "TaskGroup"})
# A function as context manager, by which they are used: the scope is in its suspended body.
_MANAGERS: frozenset[type] = frozenset(
    (contextlib._GeneratorContextManager, contextlib._AsyncGeneratorContextManager)
)
_GENERATORS: tuple[type, ...] = (GeneratorType, AsyncGeneratorType)
_LIBRARIES = frozenset({"anyio._backends._asyncio", "anyio._core._tasks", "aiohttp.helpers"})


# Most of what a frame refers to; the answer for these is known without asking further.
_PLAIN = frozenset({str, int, bytes, type, CodeType, ModuleType, type(None)})


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
    if extra == 1:
        return True
    task = ref()
    extra -= self_references(task)
    return extra == 0 or extra == callback_references(task)


def self_references(task: Any) -> int:
    """How many references to `task` come from its own waiting; at least the one that will wake it.

    Bounded in steps and in width: what is not found counts as a holder, a missed alarm and not a false one.
    """
    waiter = task._fut_waiter
    count = 0 if waiter is not None and not waiter.done() else 1  # else the loop's handle holds it
    todo = _parts_of_the_wait(task, waiter)
    seen: set[int] = {id(task)}
    for _ in range(MOST_VISITS):
        if not todo:
            break
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, set | frozenset | dict) and task in part:
            count += 1  # an `awaited_by`: whoever else waits is of no interest
        elif not isinstance(part, _CONTAINERS) or len(part) <= MOST_WIDE:
            for other in gc.get_referents(part):
                if other is task:
                    count += 1
                elif _leads_on(part, other):
                    todo.append(other)
    return count


def callback_references(task: Any) -> int:
    """How many references to `task` come from its own done-callbacks.

    One that somebody else refers to as well, or whose closure a living frame shares, is not counted: that is a holder.
    """
    callbacks = task._callbacks or ()
    if len(callbacks) > MOST_WIDE:
        return 0
    count = sum(_dropped_outer(callback, task) for callback, _ in callbacks)
    for (callback, weight, cells), (bare, ((_, bare_cell),)) in zip(_weigh(callbacks), _BARE, strict=False):
        if weight == bare:
            if isinstance(callback, functools.partial):
                count += sum(value is task for value in (*callback.args, *callback.keywords.values()))
            count += sum(weight == bare_cell and _content(cell) is task for cell, weight in cells)
    return count


def _dropped_outer(callback: Any, task: Any) -> int:
    """How many references a `gather(…)` or `shield(…)` adds of which nobody kept the result.

    The future that it returned is only in this callback then.
    """
    name = getattr(callback, "__qualname__", "")
    if name not in ("gather.<locals>._done_callback", "shield.<locals>._inner_done_callback"):
        return 0
    outer = list(hearers.cells(callback, asyncio.Future))
    if len(outer) != 1 or references(functools.partial(outer.__getitem__, 0)) > _IN_LIST + 1:
        return 0
    if any(True for _ in hearers.waiters(outer[0])):
        return 0
    if name.startswith("gather"):
        return sum(other is task for children in hearers.cells(callback, list) for other in children)
    # What shield's callbacks share is one cell, however many of them refer to it.
    closures = [getattr(other, "__closure__", None) or () for other in hearers.callbacks(outer[0])]
    return len({id(cell) for closure in closures for cell in closure if _content(cell) is task})


def _weigh(callbacks: Any) -> Any:
    """Each done-callback with its number of references, and each cell of its closure with its own."""
    for callback, _ in callbacks:
        closure = getattr(callback, "__closure__", None) or ()
        yield callback, sys.getrefcount(callback), [(cell, sys.getrefcount(cell)) for cell in closure]


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return None


def _bare_weights() -> list[Any]:
    """What `_weigh` says where only the future refers to its callbacks; it stores the first unlike the others."""

    class Loop:
        def get_debug(self) -> bool:
            return False

        def call_soon(self, *args: object, **kwargs: object) -> None: ...

    def callback() -> Callable[[Any], Any]:
        cell = object()
        return lambda _: cell

    future: asyncio.Future[None] = asyncio.Future(loop=Loop())  # type: ignore[arg-type]
    for _ in range(MOST_WIDE):
        future.add_done_callback(callback())
    return [(weight, cells) for _, weight, cells in _weigh(future._callbacks)]


_BARE = _bare_weights()
# What a list and the way it is asked add to the references of an object in it.
_IN_LIST = references(functools.partial([_Probe()].__getitem__, 0))


def _parts_of_the_wait(task: Any, waiter: Any) -> list[Any]:
    """What the task waits for, and what of asyncio's its suspended frames hold."""
    found: list[Any] = [waiter] if waiter is not None else []
    for link in waiting.links(task):
        found.extend(part for part in gc.get_referents(link) if _is_wait_part(part) or _is_asyncios(link, part))
    return found


def _leads_on(part: Any, other: Any) -> bool:
    """Whether the search goes on from one object to another: through asyncio's own, never from task to task."""
    kind, to = type(part), type(other)
    if issubclass(to, _CONTAINERS):
        if issubclass(kind, _METHODS):
            return False  # the program's own, as in `task.add_done_callback(background.discard)`
        narrow = issubclass(to, set) or len(other) <= MOST_WIDE
        return narrow and (kind is list or kind in _MANAGERS or _is_wait_part(part) or _is_as_completed(part))
    if to in _GENERATORS:
        return kind in _MANAGERS or kind is dict  # the body of a function that is a context manager
    return _is_wait_part(other) and not (issubclass(kind, asyncio.Task) and issubclass(to, asyncio.Future))


def _is_as_completed(thing: Any) -> bool:
    return type(thing).__name__ == "_AsCompletedIterator"


def _is_asyncios(link: Any, part: Any) -> bool:
    """What a coroutine of asyncio's own holds for its caller: the tasks that `wait` waits for."""
    if type(part) not in (set, list):
        return _is_as_completed(part)
    frame = waiting.frame_of(link)
    return len(part) <= MOST_WIDE and frame is not None and frame.f_code.co_filename.startswith(_ASYNCIO)


def _is_wait_part(thing: Any) -> bool:
    kind = type(thing)
    if kind in _PLAIN:
        return False
    if kind is FunctionType:
        own = thing.__closure__ is not None and isinstance(thing.__module__, str)
        return own and thing.__module__.startswith("asyncio.")
    if (kind.__name__ in _SCOPES and kind.__module__ in _LIBRARIES) or kind in _MANAGERS:
        return True
    return issubclass(kind, _WAIT_PARTS) or kind.__name__ == "TaskWakeupMethWrapper"


def will_be_heard(task: Any) -> bool:
    """Whether anybody waits for the task, as a task, a task group, gather, or a done-callback."""
    return bool(task._callbacks)
