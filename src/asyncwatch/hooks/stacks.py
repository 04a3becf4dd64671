"""Stacks of loop threads: where the loop ends and a callback begins, and what runs inside it."""

from __future__ import annotations

import asyncio
import dis
import functools
import itertools
import operator
import os
import threading
import weakref
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

from asyncwatch import env
from asyncwatch.frames import PACKAGE, Place, RawFrame, resolve
from asyncwatch.hooks import walks

MOST_FRAMES = 128
# Our signal handlers, and how deep on a stack one can stand, with all that it calls.
HANDLERS: set[CodeType] = set()
# Of these the first that runs when the main thread comes out of native code, before any line of the program's.
QUESTIONS: set[CodeType] = set()
MOST_HANDLER_FRAMES = 16
_CODE_OF, _CODE = operator.attrgetter("f_code"), operator.itemgetter(0)

ASYNCIO = os.path.dirname(os.path.abspath(asyncio.__file__)) + os.sep
_EVENTS, _BASE_EVENTS, _RUNNERS = (ASYNCIO + name for name in ("events.py", "base_events.py", "runners.py"))
# Above these stands the loop itself, and above the loop `asyncio.run(main())`, which is nobody's creation site.
_LOOP_CODE: dict[str, str] = {
    "_run": _EVENTS,
    "_run_once": _BASE_EVENTS,
    "run_forever": _BASE_EVENTS,
    "run_until_complete": _BASE_EVENTS,
    "run": _RUNNERS,
    # These run the loop once more, for what is left at its end.
    "close": _RUNNERS,
    "_cancel_all_tasks": _RUNNERS,
}
_TRIO_IO = f"{os.sep}trio{os.sep}_core{os.sep}_io_"
_THREAD_RUN = threading.Thread.run.__code__
_RUNS: frozenset[str] = frozenset({"run_forever", "run_until_complete"})


def thread_name(ident: int) -> str:
    """A thread's name, looked up without creating a thread object for one that has none."""
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    return str(thread.name)[:200] if thread is not None else f"thread-{ident}"


def stack_of(frame: FrameType | None) -> tuple[RawFrame, ...]:
    """A stack written down, innermost first, without frames of ours."""
    return without_ours((one.f_code, one.f_lasti) for one in program_frames(frame))


def without_ours(places: Iterable[RawFrame]) -> tuple[RawFrame, ...]:
    """The same of a stack that is written down."""
    theirs = (place for place in places if not is_our_code(place[0]))
    return tuple(itertools.islice(theirs, MOST_FRAMES))


def is_ours(frame: FrameType) -> bool:
    """Whether this is code of ours."""
    return is_our_code(frame.f_code)


def is_our_code(code: CodeType) -> bool:
    return code.co_filename.startswith(PACKAGE)


def program_frames(frame: FrameType | None) -> tuple[FrameType, ...]:
    """A stack without what a signal of ours has put on it for a moment: a handler, and what that has called."""
    frames = walks.frames_from(frame)
    return frames[_on_top(map(_CODE_OF, frames)) :]


def in_ours(places: tuple[RawFrame, ...]) -> bool:
    """Whether a thread stood in Python of ours, and so in no native code just before."""
    return bool(places) and is_our_code(places[0][0]) and places[0][0] not in QUESTIONS


def program_places(places: tuple[RawFrame, ...]) -> tuple[RawFrame, ...]:
    """The same of a stack that is written down."""
    return places[_on_top(map(_CODE, places)) :]


def _on_top(codes: Iterable[CodeType]) -> int:
    """How many of a stack's innermost frames a signal of ours has put there."""
    innermost = list(itertools.islice(codes, MOST_HANDLER_FRAMES))
    if HANDLERS.isdisjoint(innermost):
        return 0
    return next(depth for depth, code in enumerate(innermost) if code in HANDLERS) + 1


def is_loop_code(code: CodeType) -> bool:
    """Whether this function is the loop's own machinery: what is called from it starts a step or a callback."""
    return is_loop_place(code.co_filename, code.co_name)


def is_loop_place(file: str, function: str) -> bool:
    """The same of a place that was written down."""
    return _LOOP_CODE.get(function) == file


def below_loop(stack: tuple[Place, ...], base: CodeType | None) -> tuple[Place, ...]:
    """The part of a stack, innermost first, below the loop's own frames or `base`; empty where there are none."""
    bottom = resolve((base, 0)) if base is not None else None
    for depth, place in enumerate(stack):
        frame = resolve(place)
        if is_loop_place(frame.file, frame.function):
            return stack[:depth]
        if base is None or bottom is None or (frame.file, frame.function) != (bottom.file, bottom.function):
            continue
        if frame.line in (run_lines(base) or (frame.line,)):  # else it does not run the loop then
            return stack[:depth]
    return ()


@functools.lru_cache(maxsize=256)
def run_lines(code: CodeType) -> frozenset[int]:
    """The lines of a function that run a loop, by the names that are written there."""
    found = (one for one in dis.get_instructions(code) if one.argval in _RUNS and one.opname.startswith("LOAD"))
    return frozenset(one.positions.lineno or 0 for one in found if one.positions is not None)


def is_callback_code(code: CodeType) -> bool:
    """Whether this is `Handle._run`, one call of which is one callback on asyncio's own loops."""
    return code.co_name == "_run" and is_loop_code(code)


def is_between(code: CodeType) -> bool:
    """Whether asyncio's own loops stand here between two callbacks; they call one by `Handle._run` alone."""
    return code.co_name == "_run_once" and is_loop_code(code)


def is_select(code: CodeType) -> bool:
    """Whether this is where asyncio's own loops, or trio, wait for something to do."""
    if code.co_name == "select":
        return code.co_filename.endswith(("selectors.py", "windows_events.py"))
    return code.co_name == "get_events" and _TRIO_IO in code.co_filename


def waits_for_work(frame: FrameType | None, base: CodeType | None) -> bool:
    """Whether a loop's thread, that now runs this frame, looks as if it had nothing to do."""
    if frame is None:
        return False
    if frame.f_code is base:
        # uvloop waits in C, directly below whoever runs it; asyncio's own handle runs a built-in function.
        return not is_callback_code(base)
    return is_select(frame.f_code)


class Step:
    """Which step it is: one frame object for all steps of a coroutine, and whose.

    The frame alone does not tell: the next coroutine's may get the address of one that is gone. Compared with a frame
    whose owner is not known, it does.
    """

    __slots__ = ("_frame", "_owner")

    def __init__(self, frame: FrameType, owner: Any) -> None:
        self._frame = id(frame)
        try:
            self._owner = None if owner is None else weakref.ref(owner)
        except TypeError:  # a task of somebody's own making
            self._owner = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step) or self._frame != other._frame:
            return False
        return self._owner is None or other._owner is None or self._owner == other._owner

    def __hash__(self) -> int:
        return self._frame


def inside(frame: FrameType | None, task: Any, base: CodeType | None = None) -> tuple[list[RawFrame], FrameType | None]:
    """The frames of the running callback or step, innermost first, and its outermost frame.

    What stands above it (the loop, and whoever runs the loop: `base` where that is known) does not count. The
    outermost frame is None when the thread is not inside a callback.
    """
    coro = env.coro_of(task) if task is not None else None
    last = getattr(coro, "cr_frame", None)
    found: list[RawFrame] = []
    root: FrameType | None = None
    for one in program_frames(frame):
        code, lasti = one.f_code, one.f_lasti
        if is_outside(code, lasti, base):
            return found, root
        if not is_ours(one):
            if len(found) < MOST_FRAMES:
                found.append((code, lasti))
            root = one
        if one is last:
            return found, root
    return found, None


def is_outside(code: CodeType, lasti: int, base: CodeType | None) -> bool:
    """Whether this place is not in a callback or step any more: it is the loop's, or that of whoever runs the loop."""
    return code is base or is_loop_code(code) or runs_loop(code, lasti) or code is _THREAD_RUN


def runs_loop(code: CodeType, lasti: int) -> bool:
    """Whether the instruction at `lasti` calls the method that runs a loop: one that is no Python code, as uvloop."""
    return not _RUNS.isdisjoint(code.co_names) and _calls_run(code, lasti)


def stands_on(wanted: FrameType, frame: FrameType | None) -> bool:
    """Whether a frame is on the stack that ends with another."""
    return any(one is wanted for one in walks.frames_from(frame))


def is_running_a_loop(frame: FrameType | None) -> bool:
    """Whether somebody on this stack runs a loop."""
    return any(is_loop_code(one.f_code) or runs_loop(one.f_code, one.f_lasti) for one in walks.frames_from(frame))


def running_thread(loop: Any, task: Any, taken: set[int]) -> int | None:
    """The thread that runs a loop which does not know itself; `taken` are those that are known to run another."""
    step = getattr(env.coro_of(task), "cr_frame", None) if task is not None else None
    running = []
    for ident, frame in walks.current_frames().items():
        target = getattr(threading._active.get(ident), "_target", None)  # type: ignore[attr-defined]
        if getattr(target, "__self__", None) is loop or (step is not None and stands_on(step, frame)):
            return ident
        if ident not in taken and is_running_a_loop(frame):
            running.append(ident)
    return running[0] if len(running) == 1 else None


@functools.lru_cache(maxsize=256)
def _calls_run(code: CodeType, lasti: int) -> bool:
    # A method call begins in the source where the expression does that its method is an attribute of.
    attributes: dict[object, str] = {}
    for instruction in dis.get_instructions(code):
        place = instruction.positions
        begin = (place.lineno, place.col_offset) if place is not None else None
        if instruction.offset == lasti:
            return attributes.get(begin, "") in _RUNS
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            attributes[begin] = instruction.argval
    return False
