"""Creation sites: which line created a task, found on the loop's thread for the price of one dictionary look-up.

A site's key is `id(code) + lasti`. The bytecode lies inside its code object (3.11 and later), so the sum points
into it and no other living code object can have the same; the site keeps the code alive, so the key stays true.
https://github.com/python/cpython/blob/3.11/Include/cpython/code.h#L62
"""

from __future__ import annotations

import asyncio
import dis
import functools
import opcode
import os
from types import CodeType, FrameType
from typing import Any

from asyncwatch.frames import PACKAGE, RawFrame, Scope

# Programs that build code without end must not make us keep it all.
MOST_SITES = 20_000
DEEPEST = 24
MOST_FRAMES = 128

_ASYNCIO = os.path.dirname(os.path.abspath(asyncio.__file__)) + os.sep
_EVENTS, _BASE_EVENTS, _RUNNERS = (_ASYNCIO + name for name in ("events.py", "base_events.py", "runners.py"))
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
_RUNS: frozenset[str] = frozenset({"run_forever", "run_until_complete"})

_CACHE = opcode.opmap.get("CACHE", 0)
_EXTENDED = opcode.opmap["EXTENDED_ARG"]
_POP_TOP = opcode.opmap["POP_TOP"]
_RETURN = frozenset({opcode.opmap["RETURN_VALUE"]})
# asyncio's functions that give the caller the task they create, by way of a variable.
_PASSING = frozenset({"create_task", "ensure_future", "_ensure_future"})


def _passes_on(code: CodeType) -> bool:
    file = code.co_filename
    return (code.co_name in _PASSING and file == _ASYNCIO + "tasks.py") or file.startswith(PACKAGE)


class Site:
    """One place that creates tasks. `frames` is innermost first; `plain` means the key alone identifies it."""

    __slots__ = ("callers", "discards", "frames", "plain")

    def __init__(self, frames: tuple[RawFrame, ...], discards: bool, plain: bool) -> None:
        self.frames = frames
        self.discards = discards
        self.plain = plain
        self.callers: dict[tuple[int, ...], Site] = {}


def is_loop_code(code: CodeType) -> bool:
    """Whether this function is the loop's own machinery: what is called from it starts a step or a callback."""
    return is_loop_place(code.co_filename, code.co_name)


def is_loop_place(file: str, function: str) -> bool:
    """The same of a place that was written down."""
    return _LOOP_CODE.get(function) == file


def is_callback_code(code: CodeType) -> bool:
    """Whether this is `Handle._run`, one call of which is one callback on asyncio's own loops."""
    return code.co_name == "_run" and is_loop_code(code)


def next_op(code: CodeType, lasti: int) -> int:
    """The instruction that follows the one at `lasti`, inline caches and argument extensions skipped."""
    raw = code.co_code
    offset = lasti + 2
    while offset < len(raw) and raw[offset] in (_CACHE, _EXTENDED):
        offset += 2
    return raw[offset] if offset < len(raw) else -1


def inside(frame: FrameType | None, task: Any, base: CodeType | None = None) -> tuple[list[RawFrame], FrameType | None]:
    """The frames of the running callback or step, innermost first, and its outermost frame.

    What stands above it (the loop, and whoever runs the loop: `base` where that is known) does not count. The
    outermost frame is None when the thread is not inside a callback.
    """
    coro = task.get_coro() if task is not None else None
    last = getattr(coro, "cr_frame", None)
    found: list[RawFrame] = []
    root: FrameType | None = None
    while frame is not None:
        code, lasti = frame.f_code, frame.f_lasti
        if code is base or is_loop_code(code) or runs_loop(code, lasti):
            return found, root
        if not code.co_filename.startswith(PACKAGE):
            if len(found) < MOST_FRAMES:
                found.append((code, lasti))
            root = frame
        if frame is last:
            return found, root
        frame = frame.f_back
    return found, None


def runs_loop(code: CodeType, lasti: int) -> bool:
    """Whether the instruction at `lasti` calls the method that runs a loop: one that is no Python code, as uvloop."""
    return not _RUNS.isdisjoint(code.co_names) and _calls_run(code, lasti)


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


class Sites:
    """All creation sites seen so far."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        # By key; a site that is not plain must be looked for with `find` each time.
        self.known: dict[int, Site] = {}
        self._internal: dict[str, bool] = {}
        self._ops: dict[int, tuple[CodeType, int]] = {}

    def find(self, frame: FrameType | None, task: Any) -> Site | None:
        """The site for a task created under `frame`, in the running step of `task` if there is one."""
        start = frame
        while frame is not None:
            code = frame.f_code
            if not self.is_internal(code.co_filename):
                site = self.known.get(id(code) + frame.f_lasti)
                return site if site is not None and site.plain else self._seek(site, start, task)
            if is_loop_code(code):
                return self._seek(None, start, task)
            frame = frame.f_back
        return None

    def caller(self, frame: FrameType | None, task: Any) -> Site | None:
        """The place in the program behind a call that asyncio may have made on its behalf, looked for from `frame` up.

        None where the step or callback that makes the call is asyncio's alone: `create_task(asyncio.to_thread(…))`.
        """
        if frame is not None and not self.is_internal(frame.f_code.co_filename):
            return self._seek(self.known.get(id(frame.f_code) + frame.f_lasti), frame, task)
        root = getattr(task.get_coro(), "cr_frame", None) if task is not None else None
        while frame is not None and self.is_internal(frame.f_code.co_filename):
            above = frame.f_back
            if is_loop_code(frame.f_code) or (frame is root and not self._is_eager(above)):
                return None
            frame = above
        if frame is None:
            return None
        site = self.known.get(id(frame.f_code) + frame.f_lasti)
        return site if site is not None and site.plain else self._seek(site, frame, task)

    def _is_eager(self, above: FrameType | None) -> bool:
        """Whether a task's outermost frame was called by what creates tasks, and not by what runs the loop."""
        return above is not None and self.is_internal(above.f_code.co_filename) and not is_loop_code(above.f_code)

    def is_internal(self, filename: str) -> bool:
        """Whether a file is asyncio's or ours."""
        try:
            return self._internal[filename]
        except KeyError:
            found = self._internal[filename] = filename.startswith((_ASYNCIO, PACKAGE))
            return found

    def _op(self, code: CodeType, lasti: int) -> int:
        """`next_op`, remembered: reading a function's bytecode copies all of it."""
        key = id(code) + lasti
        known = self._ops.get(key)
        if known is None:
            if len(self._ops) >= MOST_SITES:
                self._ops.clear()
            known = self._ops[key] = (code, next_op(code, lasti))
        return known[1]

    def _seek(self, site: Site | None, start: FrameType | None, task: Any) -> Site:
        """A new site, or one that needs its callers to be told apart: made by a library or handed on by a helper."""
        coro = task.get_coro() if task is not None else None
        raws, keys, discards = self._chain(start, getattr(coro, "cr_frame", None))
        if not keys:
            return Site((), False, False)
        if site is None:
            if len(self.known) >= MOST_SITES:
                self.known.clear()
            plain = len(raws) == 1 and self._scope.is_app(raws[0][0].co_filename)
            site = Site(tuple(raws), discards, plain)
            self.known[keys[0]] = site
        if site.plain:
            return site
        key = tuple(keys)
        found = site.callers.get(key)
        if found is None:
            if len(site.callers) >= MOST_SITES:
                site.callers.clear()
            found = site.callers[key] = Site(tuple(raws), discards, True)
        return found

    def _chain(self, frame: FrameType | None, root: FrameType | None) -> tuple[list[RawFrame], list[int], bool]:
        """Frames from the creating call outwards, to the first application frame that keeps what it was given.

        asyncio's own frames are not among them, but what they do with the task counts: a task group keeps it.
        """
        raws: list[RawFrame] = []
        keys: list[int] = []
        returning = True
        while frame is not None and len(raws) < DEEPEST:
            code, lasti = frame.f_code, frame.f_lasti
            if is_loop_code(code):
                # A callback's result is thrown away, a lambda's task, say; whoever runs the loop keeps the root task.
                thrown = returning and (bool(raws) or is_callback_code(code))
                return raws, keys or [id(code) + lasti], thrown
            op = self._op(code, lasti)
            if self.is_internal(code.co_filename):
                returning = returning and (op in _RETURN or _passes_on(code))
                if frame is root:
                    break  # above a task's outermost frame stands whoever runs the loop
                frame = frame.f_back
                continue
            raws.append((code, lasti))
            keys.append(id(code) + lasti)
            if returning and op == _POP_TOP:
                returning = False
                if self._seen_app(raws):
                    return raws, keys, True
            returning = returning and op in _RETURN
            if not returning and self._seen_app(raws):
                return raws, keys, False
            if frame is root:
                break
            frame = frame.f_back
        return raws, keys, False

    def _seen_app(self, raws: list[RawFrame]) -> bool:
        return any(self._scope.is_app(code.co_filename) for code, _ in raws)
