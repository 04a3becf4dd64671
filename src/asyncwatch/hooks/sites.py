"""Creation sites: which line created a task, found on the loop's thread for the price of one dictionary look-up.

A site's key is `id(code) + lasti`. The bytecode lies inside its code object (3.11 and later), so the sum points
into it and no other living code object can have the same; the site keeps the code alive, so the key stays true.
https://github.com/python/cpython/blob/3.11/Include/cpython/code.h#L62
"""

from __future__ import annotations

import opcode
from types import CodeType, FrameType
from typing import Any

from asyncwatch.frames import PACKAGE, RawFrame, Scope
from asyncwatch.hooks.stacks import ASYNCIO, is_callback_code, is_loop_code
from asyncwatch.hooks.ways import Ways, root_of

# Programs that build code without end must not make us keep it all.
MOST_SITES = 20_000
DEEPEST = 24

_CACHE = opcode.opmap.get("CACHE", 0)
_EXTENDED = opcode.opmap["EXTENDED_ARG"]
_POP_TOP = opcode.opmap["POP_TOP"]
_RETURN = frozenset({opcode.opmap["RETURN_VALUE"]})
# asyncio's functions that give the caller the task they create, by way of a variable, or all that holds it.
_PASSING = frozenset({"create_task", "ensure_future", "_ensure_future", "gather", "shield"})


def _passes_on(code: CodeType) -> bool:
    file = code.co_filename
    return (code.co_name in _PASSING and file == ASYNCIO + "tasks.py") or file.startswith(PACKAGE)


class Site:
    """One place that creates tasks. `frames` is innermost first; `plain` means the key alone identifies it.

    `discards` says that the new task is thrown away: by a statement of the frame `dropper`, or by the loop. asyncio's
    own statements do so as well, with tasks that end before anybody would miss them: then there is a `dropper` alone.
    """

    __slots__ = ("callers", "discards", "dropper", "frames", "plain")

    def __init__(
        self, frames: tuple[RawFrame, ...], discards: bool, plain: bool, dropper: RawFrame | None = None
    ) -> None:
        self.frames = frames
        self.discards = discards
        self.dropper = dropper
        self.plain = plain
        self.callers: dict[tuple[int, ...], Site] = {}


def next_op(code: CodeType, lasti: int) -> int:
    """The instruction that follows the one at `lasti`, inline caches and argument extensions skipped."""
    raw = code.co_code
    offset = lasti + 2
    while offset < len(raw) and raw[offset] in (_CACHE, _EXTENDED):
        offset += 2
    return raw[offset] if offset < len(raw) else -1


class Sites:
    """All creation sites seen so far."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        # By key; a site that is not plain must be looked for with `find` each time.
        self.known: dict[int, Site] = {}
        # To those that are not plain, from the frame that creates outwards.
        self.ways = Ways(Site)
        self._internal: dict[str, bool] = {}
        self._ops: dict[int, tuple[CodeType, int]] = {}

    def find(self, frame: FrameType | None, task: Any) -> Site | None:
        """The site for a task created under `frame`, in the running step of `task` if there is one."""
        root = root_of(task)
        return self.ways.find(frame, root) or self._look_for(frame, root)

    def _look_for(self, start: FrameType | None, root: FrameType | None) -> Site | None:
        frame = start
        while frame is not None:
            code = frame.f_code
            if not self.is_internal(code.co_filename):
                site = self.known.get(id(code) + frame.f_lasti)
                if site is None or not site.plain:
                    return self._seek(site, start, root, learn=True)
                if start is not None:
                    self.ways.learn(start, frame, root, site)
                return site
            if is_loop_code(code):
                return self._seek(None, start, root)
            frame = frame.f_back
        return None

    def caller(self, frame: FrameType | None, task: Any) -> Site | None:
        """The place in the program behind a call that asyncio may have made on its behalf, looked for from `frame` up.

        None where the step or callback that makes the call is asyncio's alone: `create_task(asyncio.to_thread(…))`.
        """
        if frame is not None and not self.is_internal(frame.f_code.co_filename):
            return self._seek(self.known.get(id(frame.f_code) + frame.f_lasti), frame, root_of(task))
        root = root_of(task)
        while frame is not None and self.is_internal(frame.f_code.co_filename):
            above = frame.f_back
            if is_loop_code(frame.f_code) or (frame is root and not self._is_eager(above)):
                return None
            frame = above
        if frame is None:
            return None
        site = self.known.get(id(frame.f_code) + frame.f_lasti)
        return site if site is not None and site.plain else self._seek(site, frame, root)

    def _is_eager(self, above: FrameType | None) -> bool:
        """Whether a task's outermost frame was called by what creates tasks, and not by what runs the loop."""
        return above is not None and self.is_internal(above.f_code.co_filename) and not is_loop_code(above.f_code)

    def is_internal(self, filename: str) -> bool:
        """Whether a file is asyncio's or ours."""
        try:
            return self._internal[filename]
        except KeyError:
            found = self._internal[filename] = filename.startswith((ASYNCIO, PACKAGE))
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

    def _seek(
        self, site: Site | None, start: FrameType | None, root: FrameType | None, *, learn: bool = False
    ) -> Site:
        """A new site, or one that needs its callers to be told apart: made by a library or handed on by a helper."""
        raws, keys, discards, dropper, last = self._chain(start, root)
        if not keys:
            return Site((), False, False)
        if site is None:
            if len(self.known) >= MOST_SITES:
                self.known.clear()
            plain = len(raws) == 1 and self._scope.is_app(raws[0][0].co_filename)
            site = Site(tuple(raws), discards, plain, dropper)
            self.known[keys[0]] = site
        if site.plain:
            return site
        key = tuple(keys)
        found = site.callers.get(key)
        if found is None:
            if len(site.callers) >= MOST_SITES:
                site.callers.clear()
            found = site.callers[key] = Site(tuple(raws), discards, True, dropper)
        if learn and start is not None and last is not None:
            self.ways.learn(start, last, root, found)
        return found

    def _chain(
        self, frame: FrameType | None, root: FrameType | None
    ) -> tuple[list[RawFrame], list[int], bool, RawFrame | None, FrameType | None]:
        """Frames from the creating call outwards, to the first application frame that keeps what it was given.

        The last of what is returned is the frame at which that was decided, None where the stack ended before.
        asyncio's own frames are not among them, but what they do with the task counts: a task group keeps it.
        """
        raws: list[RawFrame] = []
        keys: list[int] = []
        returning = True
        dropper: RawFrame | None = None
        asyncios: RawFrame | None = None
        while frame is not None and len(raws) < DEEPEST:
            code, lasti = frame.f_code, frame.f_lasti
            if is_loop_code(code):
                # A callback's result is thrown away, a lambda's task, say; whoever runs the loop keeps the root task.
                thrown = returning and (bool(raws) or is_callback_code(code))
                return raws, keys or [id(code) + lasti], thrown or dropper is not None, dropper or asyncios, frame
            op = self._op(code, lasti)
            if self.is_internal(code.co_filename):
                if returning and op == _POP_TOP:
                    asyncios = code, lasti
                returning = returning and (op in _RETURN or _passes_on(code))
                if frame is root:
                    break  # above a task's outermost frame stands whoever runs the loop
                frame = frame.f_back
                continue
            raws.append((code, lasti))
            keys.append(id(code) + lasti)
            # A library's own statement drops a task just as well; the frames above it are for the stack alone.
            if returning and op == _POP_TOP:
                dropper = raws[-1]
            returning = returning and op in _RETURN
            if frame is root or (not returning and self._seen_app(raws)):
                break
            frame = frame.f_back
        return raws, keys, dropper is not None, dropper or asyncios, frame

    def _seen_app(self, raws: list[RawFrame]) -> bool:
        return any(self._scope.is_app(code.co_filename) for code, _ in raws)
