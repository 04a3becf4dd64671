"""What a suspended task waits for, read from its coroutines and the future it awaits.

Asked on the task's own loop, between two callbacks. asyncio's names are those of its source, the same from 3.11 on:
https://github.com/python/cpython/blob/3.13/Lib/asyncio/tasks.py (gather, _wait, shield), locks.py, queues.py
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterator
from types import AsyncGeneratorType, CellType, CodeType, CoroutineType, FrameType, GeneratorType, MethodType
from typing import Any

from asyncwatch import env, plain
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.hearers import callbacks, cells
from asyncwatch.hooks.stacks import ASYNCIO

DEEPEST = 64

# asyncio's functions that wait, by file and qualified name: the kind of wait.
_KINDS = {
    ("tasks.py", "sleep"): "sleep",
    ("tasks.py", "_wait"): "tasks",
    ("tasks.py", "wait_for"): "",  # it depends on what it was given
    ("tasks.py", "_AsCompletedIterator._wait_for_one"): "tasks",
    ("tasks.py", "as_completed.<locals>._wait_for_one"): "tasks",
    ("taskgroups.py", "TaskGroup.__aexit__"): "tasks",
    ("taskgroups.py", "TaskGroup._aexit"): "tasks",
    ("locks.py", "Lock.acquire"): "lock",
    ("locks.py", "Semaphore.acquire"): "semaphore",
    ("locks.py", "Event.wait"): "event",
    ("locks.py", "Condition.wait"): "condition",
    ("locks.py", "Barrier._wait"): "barrier",
    ("locks.py", "Barrier._block"): "barrier",
    ("queues.py", "Queue.get"): "queue",
    ("queues.py", "Queue.put"): "queue",
    ("queues.py", "Queue.join"): "join",
    ("streams.py", "StreamReader._wait_for_data"): "socket",
    ("streams.py", "FlowControlMixin._drain_helper"): "socket",
    ("base_subprocess.py", "BaseSubprocessTransport._wait"): "process",
    ("base_events.py", "Server.serve_forever"): "server",
    ("threads.py", "to_thread"): "executor",
}
# Everything else of asyncio's own that waits has to do with connections.
_ASYNCIO_ELSE = "socket"
ANYIO = os.path.join("anyio", "_backends", "_asyncio.py")
ANYIO_KINDS = {
    "Lock.acquire": "lock",
    "Semaphore.acquire": "semaphore",
    "CapacityLimiter.acquire_on_behalf_of": "semaphore",
    "TaskGroup.__aexit__": "tasks",
    "sleep": "sleep",
    "run_sync_in_worker_thread": "executor",
    "AsyncIOBackend.run_sync_in_worker_thread": "executor",
}
# What a coroutine of that kind waits at, among what its frame refers to.
_TARGETS: dict[str, tuple[str, ...]] = {
    "lock": ("Lock",),
    "semaphore": ("Semaphore", "BoundedSemaphore", "CapacityLimiter"),
    "event": ("Event",),
    "condition": ("Condition",),
    "barrier": ("Barrier",),
    "queue": ("Queue", "LifoQueue", "PriorityQueue"),
    "join": ("Queue", "LifoQueue", "PriorityQueue"),
}


# What follows a link of the chain, and its frame.
_LINKS: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr_await", "cr_frame"),
    GeneratorType: ("gi_yieldfrom", "gi_frame"),
    AsyncGeneratorType: ("ag_await", "ag_frame"),
}
WRAPPERS = frozenset({"async_generator_asend", "async_generator_athrow", "coroutine_wrapper", "anext_awaitable"})


# How a future looks to who awaits it; uvloop's own functions look otherwise.
_FUTURES = frozenset({"FutureIter", "generator", "NoneType"})


@plain.record
class Wait:
    """One task's wait. `target` is the object waited at, the future itself where there is no other."""

    kind: str
    target: Any
    frames: tuple[RawFrame, ...]  # innermost first


def links(task: Any) -> list[Any]:
    """The coroutines and generators a suspended task stands in, outermost first; of one that runs the first alone.

    What a running coroutine awaits is not to be asked: 3.11 takes what lies on its stack for an object (seen: a crash).
    https://github.com/python/cpython/blob/3.11/Objects/genobject.c (_PyGen_yf)
    """
    found: list[Any] = []
    link: Any = env.coro_of(task)
    if getattr(link, "cr_running", False):
        return [link]
    while link is not None and len(found) < DEEPEST:
        attributes = _LINKS.get(type(link))
        if attributes is None and not hasattr(link, "cr_await"):  # Cython's coroutines look like Python's
            break
        found.append(link)
        link = _unwrapped(_next(link))
    return found


def _next(link: Any) -> Any:
    """What a coroutine or generator awaits."""
    attributes = _LINKS.get(type(link))
    return getattr(link, attributes[0] if attributes else "cr_await")


def _unwrapped(thing: Any) -> Any:
    """The coroutine or generator behind what an `async for` or an `__await__` puts before it."""
    for _ in range(4):
        if type(thing).__name__ not in WRAPPERS:
            break
        thing = next((one for one in gc.get_referents(thing) if type(one) in _LINKS), None)
    return thing


def frame_of(link: Any) -> FrameType | None:
    """The suspended frame of a coroutine or generator; None of what is no Python code."""
    attributes = _LINKS.get(type(link))
    frame = getattr(link, attributes[1]) if attributes else None
    return frame if isinstance(frame, FrameType) else None


def in_hand(link: Any) -> Iterator[Any]:
    """What a suspended frame refers to. Of a `with` it stands in that is, before 3.14, only the way out: a method."""
    for thing in gc.get_referents(link):
        kind = type(thing)
        if kind is CellType:
            yield from gc.get_referents(thing)
        else:
            yield thing.__self__ if kind is MethodType else thing


def waits_at(task: Any) -> tuple[RawFrame, ...]:
    """The await chain of a suspended task, innermost first."""
    return raw_frames(links(task))


def raw_frames(chain: list[Any]) -> tuple[RawFrame, ...]:
    """The await chain written down, innermost first."""
    frames = (frame_of(link) for link in reversed(chain))
    return tuple((frame.f_code, frame.f_lasti) for frame in frames if frame is not None)


def wait_of(task: Any) -> Wait | None:
    """What a task waits for; None when it waits for nothing but its turn."""
    future = task._fut_waiter
    if future is None:
        return None
    chain = links(task)
    frames = [frame_of(link) for link in chain]
    codes = [frame.f_code if frame is not None else None for frame in frames]
    kind = kind_of(future, codes, _next(chain[-1]) if chain else None)
    return Wait(kind, _target(kind, chain) or future, raw_frames(chain))


def kind_of(future: Any, codes: list[CodeType | None], last: Any, keep: Callable[[Any], None] | None = None) -> str:
    """The kind of a wait by a chain of these codes, outermost first and None for what is no Python code.

    `last` is what the innermost of them awaits. Off the loop's thread `keep` is given what must outlast the look.
    """
    kind = _kind_of_future(future, keep)
    if not codes:
        return kind
    if codes[-1] is None:
        return _ASYNCIO_ELSE  # uvloop's coroutines, which wait for connections
    kind = _kind_of_code(codes[-1], codes) or kind
    return _ASYNCIO_ELSE if kind == "future" and type(last).__name__ not in _FUTURES else kind


def _kind_of_code(code: CodeType, codes: list[CodeType | None]) -> str:
    file = code.co_filename
    if file.startswith(ASYNCIO):
        kind = _KINDS.get((file[len(ASYNCIO) :], code.co_qualname), _ASYNCIO_ELSE)
        return _by_way_of(codes) or kind if kind in ("queue", "event", "condition") else kind
    return ANYIO_KINDS.get(code.co_qualname, "") if file.endswith(ANYIO) else ""


def _by_way_of(codes: list[CodeType | None]) -> str:
    """as_completed of 3.11 and 3.12 waits at a queue; `Queue.join`, barriers and anyio's limiter at events and such."""
    for code in codes[-4:-1]:
        if code is not None and (code.co_filename.startswith(ASYNCIO) or code.co_filename.endswith(ANYIO)):
            key = (code.co_filename[len(ASYNCIO) :], code.co_qualname)
            kind = _KINDS.get(key) or ANYIO_KINDS.get(code.co_qualname)
            if kind in ("tasks", "semaphore", "join", "barrier"):
                return kind
    return ""


def _kind_of_future(future: Any, keep: Callable[[Any], None] | None = None) -> str:
    """The kind of a future that the program's own code, or a library's, awaits."""
    if isinstance(future, asyncio.Task) or type(future).__name__ == "_GatheringFuture":
        return "tasks"
    for callback in callbacks(future, keep):
        name = getattr(callback, "__qualname__", "")
        if name == "_chain_future.<locals>._call_check_cancel":
            return "executor"
        if name == "shield.<locals>._outer_done_callback":
            return "tasks"
    return "future"


def _target(kind: str, chain: list[Any]) -> Any:
    names = _TARGETS.get(kind, ())
    for link in reversed(chain[-4:]) if names else ():
        for thing in gc.get_referents(link):
            if any(base.__name__ in names for base in type(thing).__mro__[:-1]):
                return thing
    return None


def awaited(task: Any, wait: Wait) -> list[Any]:
    """The tasks that a task waits for, where it waits for tasks."""
    future = task._fut_waiter
    if wait.kind != "tasks" or future is None:
        return []
    found = {id(other): other for other in _awaited(task, future) if isinstance(other, asyncio.Task)}
    found.pop(id(task), None)
    return list(found.values())


def _awaited(task: Any, future: Any) -> Iterator[Any]:
    if isinstance(future, asyncio.Task):
        yield future
        return
    for child in getattr(future, "_children", None) or ():  # gather
        yield from _awaited(task, child)
    for callback in callbacks(future):
        if getattr(callback, "__qualname__", "").startswith("shield."):
            yield from cells(callback, asyncio.Task)
    for link in links(task)[-3:]:
        for thing in gc.get_referents(link):
            if issubclass(type(thing), asyncio.TaskGroup):
                yield from list(thing._tasks)
            elif type(thing) in (set, frozenset, list) and _is_wait(link):
                yield from list(thing)
            elif type(thing).__name__ == "_AsCompletedIterator":
                yield from list(thing._todo)
    anyio = sys.modules.get("anyio._backends._asyncio")
    if anyio is not None:
        for link in links(task)[-1:]:
            for thing in gc.get_referents(link):
                if issubclass(type(thing), anyio.TaskGroup):
                    yield from list(thing._tasks)


def _is_wait(link: Any) -> bool:
    frame = frame_of(link)
    return frame is not None and frame.f_code.co_filename == ASYNCIO + "tasks.py"
