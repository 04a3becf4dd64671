"""One task looked at from any thread, while its loop runs, stands still or is blocked.

The loop's thread may get its turn between any two lines here. So nothing is walked twice, every object goes on the loan
before it is used, and what belongs together is read in one call of C code, which no other thread can come between.
A coroutine that runs now is not asked for its references: its stack is the thread's.
"""

from __future__ import annotations

import gc
import itertools
import operator
from collections.abc import Callable
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType
from typing import Any

from asyncwatch import env, plain
from asyncwatch.frames import PACKAGE, RawFrame
from asyncwatch.hooks import stacks, waiting, walks
from asyncwatch.hooks.bus import traceback_frames
from asyncwatch.hooks.names import module_of, task_name
from asyncwatch.hooks.stacks import MOST_FRAMES

Keep = Callable[[Any], None]
# A chain that changed while it was read is read again this often.
TRIES = 3

# Of each link of an await chain: its code, its position, and what follows it.
_READERS: dict[type, tuple[str, Callable[[Any], Any], str, Callable[[Any], Any]]] = {
    kind: (
        f"{prefix}_code",
        operator.attrgetter(f"{prefix}_frame.f_lasti"),
        follows,
        operator.attrgetter(f"{prefix}_frame.f_globals"),
    )
    for kind, prefix, follows in (
        (CoroutineType, "cr", "cr_await"),
        (GeneratorType, "gi", "gi_yieldfrom"),
        (AsyncGeneratorType, "ag", "ag_await"),
    )
}


_RUNNING: dict[type, Callable[[Any], Any]] = {
    CoroutineType: operator.attrgetter("cr_running"),
    GeneratorType: operator.attrgetter("gi_running"),
}


@plain.record
class Chain:
    """An await chain, outermost first; the code is None of a link that is no Python code, which has no place.

    `runs` when a step of it runs now, `last` is what the innermost link awaits.
    """

    codes: list[CodeType | None]
    places: list[RawFrame]
    runs: bool
    last: Any


@plain.record
class Reading:
    """What one task was seen to do. `stack` is innermost first and empty while it runs."""

    state: str
    name: str
    coro: str
    stack: tuple[RawFrame, ...] = ()
    kind: str | None = None
    future: Any = None
    exception: str | None = None


def read(task: Any, keep: Keep) -> Reading | None:
    """What a task does; None of one that is done and owes nobody anything."""
    name, coro = task_name(task), coro_name(task, keep)
    if task.done():
        return _failure(task, name, coro, keep)
    for _ in range(TRIES):
        future = task._fut_waiter
        keep(future)
        chain = chain_of(task, keep)
        again = task._fut_waiter
        keep(again)
        if again is future:
            break
    if task.done():
        return _failure(task, name, coro, keep)
    if chain.runs:
        return Reading("running", name, coro)
    stack = tuple(reversed(chain.places))
    if future is None or future.done():
        return Reading("ready", name, coro, stack)
    kind = waiting.kind_of(future, chain.codes, chain.last, keep) or "future"
    return Reading("waiting", name, coro, stack, kind, future)


def _failure(task: Any, name: str, coro: str, keep: Keep) -> Reading | None:
    if not task._log_traceback:
        return None
    error = task._exception  # asking for `exception()` would count as having asked
    keep(error)
    traceback = error.__traceback__
    keep(traceback)
    stack = tuple(reversed(traceback_frames(traceback)))
    kind = type(error)
    title = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Reading("failed", name, coro, stack, exception=title[:200])


def chain_of(task: Any, keep: Keep) -> Chain:
    """The await chain of a task that may run meanwhile."""
    codes: list[CodeType | None] = []
    places: list[RawFrame] = []
    first: Any = env.coro_of(task)
    link = first
    keep(link)
    runs = _runs(first)
    while link is not None and not runs and len(codes) < waiting.DEEPEST:
        reader = _READERS.get(type(link))
        if reader is None and not hasattr(link, "cr_await"):  # Cython's coroutines look like Python's
            break
        codes.append(None)
        if reader is not None:
            try:
                # The frame itself never gets here: if the coroutine ended meanwhile it would be ours, locals and all.
                places.append((getattr(link, reader[0]), env.in_one_go(reader[1], link)))
            except AttributeError:
                codes.pop()
                break  # it has ended
            codes[-1] = places[-1][0]
        link = _unwrapped(_next(link, reader[2] if reader is not None else "cr_await", first), keep)
    return Chain(codes, places, runs or _runs(first), link)


def _runs(first: Any) -> bool:
    """Whether a step is made now, by a task's outermost coroutine."""
    return bool(getattr(first, "cr_running", False) or getattr(first, "gi_running", False))


def _next(link: Any, follows: str, first: Any) -> Any:
    """What a link awaits, unless the task runs: then that is not to be asked, see `waiting.links`.

    Both in one call of C code, for the task may begin to run between two lines of this.
    """
    running = _RUNNING.get(type(first))
    if running is None:
        return getattr(link, follows)
    stands = map(operator.not_, map(running, (first,)))
    return env.in_one_go(next, map(operator.attrgetter(follows), itertools.compress((link,), stands)), None)


def _unwrapped(thing: Any, keep: Keep) -> Any:
    keep(thing)
    for _ in range(4):
        if type(thing).__name__ not in waiting.WRAPPERS:
            break
        found = gc.get_referents(thing)
        keep(found)
        thing = next((one for one in found if type(one) in _READERS), None)
    return thing


def coro_name(task: Any, keep: Keep) -> str:
    """The task's coroutine as `module.qualname`, without touching its frame."""
    coro = env.coro_of(task) if hasattr(task, "get_coro") else None
    keep(coro)
    name = str(getattr(coro, "__qualname__", None) or type(coro).__name__)
    reader = _READERS.get(type(coro))
    if reader is None:
        return name[:300]
    try:
        module = env.in_one_go(reader[3], coro).get("__name__")
    except AttributeError:
        module = module_of(getattr(coro, reader[0]))
    return f"{module}.{name}"[:300] if isinstance(module, str) else name[:300]


def stack_now(ident: int, task: Any, base: CodeType | None) -> tuple[RawFrame, ...]:
    """Where a loop's thread is inside its current step or callback, innermost first; up to the task's own coroutine."""
    coro = env.coro_of(task) if task is not None else None
    first = getattr(coro, _READERS[type(coro)][0]) if type(coro) in _READERS else None
    found: list[RawFrame] = []
    own = 0
    for code, lasti in walks.stack_of_thread(ident):
        if stacks.is_outside(code, lasti, base):
            if task is None and stacks.is_between(code):
                return ()
            # An eager step's stack goes on with the task that started it.
            return tuple(found[: own or MOST_FRAMES])
        if not code.co_filename.startswith(PACKAGE):
            found.append((code, lasti))
        if code is first:
            own = len(found)
    return tuple(found[:own])
