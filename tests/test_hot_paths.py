"""The hot paths, counted in Python's own instructions and not timed: a regression shows, whatever the machine does.

Each bound is what was counted on the dearest of Python 3.11 to 3.15, and a tenth more. A path that has become cheaper
may lower its bound; one that needs more has to say for what. `scripts/bench --counted` counts the processor's
instructions of whole workloads.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from asyncio import format_helpers
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

import asyncwatch
from asyncwatch.frames import PACKAGE

TIMES = 100


class Counter:
    """Counts the instructions that code of ours executes in this thread."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Counter:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "call":
            if not frame.f_code.co_filename.startswith(PACKAGE):
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self.count += 1
        return self._trace


# A function of a library: the frames of one stand between a program and the task that is made for it.
LIBRARY: dict[str, Any] = {}
SOURCE = """
import asyncio

def through(depth, call):
    result = through(depth - 1, call) if depth else call()
    return result

def make(coro):
    task = asyncio.create_task(coro)
    return task
"""
exec(compile(SOURCE, "/somewhere/site-packages/library.py", "exec"), LIBRARY)


async def nothing() -> None:
    pass


async def per_task(create: Callable[[], Any]) -> float:
    """Instructions of ours for one task that is created like this, when its place is known."""
    tasks = [create() for _ in range(3)]
    with Counter() as counter:
        tasks.extend(create() for _ in range(TIMES))
    await asyncio.gather(*tasks)
    return counter.count / TIMES


def create(**keywords: Any) -> asyncio.Task[None]:
    task = asyncio.create_task(nothing(), **keywords)
    return task  # what returns the task at once has its caller looked for


async def plainly() -> float:
    return await per_task(create)


async def named() -> float:
    return await per_task(lambda: create(name="worker"))


async def by_a_helper() -> float:
    return await per_task(lambda: asyncio.create_task(nothing()))


async def in_a_group() -> float:
    async with asyncio.TaskGroup() as group:
        return await per_task(lambda: group.create_task(nothing()))


async def by_a_library() -> float:
    return await per_task(lambda: LIBRARY["through"](8, partial(LIBRARY["make"], nothing())))


async def in_a_storm() -> float:
    WATCH[0]._bus.room = 0
    return await per_task(create)


async def with_a_signal() -> float:
    """One answer to the watcher, with nothing to sweep."""
    state = next(iter(WATCH[0]._hooks.loops))
    state.pong()
    with Counter() as counter:
        for _ in range(TIMES):
            state.pong()
    return counter.count / TIMES


async def with_a_callback() -> float:
    """Scheduling and running a callback is none of our business."""
    loop = asyncio.get_running_loop()
    with Counter() as counter:
        for _ in range(TIMES):
            loop.call_soon(int)
        await asyncio.sleep(0)
    return counter.count / TIMES


async def with_a_failure() -> float:
    """A context for the exception handler that is told again and again."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)
    with Counter() as counter:
        for _ in range(TIMES):
            loop.call_exception_handler({"message": "heard"})
    return counter.count / TIMES


async def source_of_a_handle() -> float:
    """Ten frames for asyncio's Python code."""
    with Counter() as counter:
        for _ in range(TIMES):
            LIBRARY["through"](12, format_helpers.extract_stack)
    return counter.count / TIMES


async def source_of_a_future() -> float:
    """All frames for asyncio's C code, one more than asked for each time."""
    with Counter() as counter:
        for _ in range(TIMES):
            LIBRARY["through"](12, traceback.extract_stack)
    frames = len(traceback.extract_stack()) + 13
    return counter.count / TIMES / frames


WATCH: list[Any] = []
# Path, profile, most instructions.
PATHS: list[tuple[Callable[[], Awaitable[float]], str, float]] = [
    (plainly, "light", 155),
    (named, "light", 155),
    (by_a_helper, "light", 340),
    (in_a_group, "light", 155),
    (by_a_library, "light", 660),
    (in_a_storm, "light", 47),
    # Of them 20 for the watcher's own sleep: when it was answered, and whether there is more to do.
    (with_a_signal, "light", 155),
    (with_a_callback, "light", 2),
    # Of them 77 for the context that its task logs, and the making of its records, done by generated code before.
    (with_a_failure, "light", 575),
    (source_of_a_handle, "debug", 383),
    (source_of_a_future, "debug", 34),
]


@pytest.mark.usefixtures("twin")
@pytest.mark.parametrize(("path", "profile", "most"), PATHS, ids=[path.__name__ for path, *_ in PATHS])
def test_what_the_programs_thread_executes_for_us_is_bounded(
    path: Callable[[], Awaitable[float]], profile: str, most: float
) -> None:
    """No hot path executes more instructions than when it was last looked at."""

    async def main() -> float:
        WATCH[0]._hooks.looking.look = lambda: 0.01  # the watcher looks at nothing, so it asks for no answers meanwhile
        await asyncio.sleep(0.05)
        return await path()

    with asyncwatch.watch(profile=profile, output=()) as watch:
        WATCH[:] = [watch]
        found = asyncio.run(main())
    assert found <= most
