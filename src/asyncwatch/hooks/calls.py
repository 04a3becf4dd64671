"""Blocking calls: from one that was seen on a loop's thread to the place in the program that made it, once for each.

Whoever sees a call (an audit event, `sys.monitoring`, a replaced function) asks `Calls.blocked` with its own frame.
"""

from __future__ import annotations

import opcode
import threading
from asyncio import _get_running_loop
from collections.abc import Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from asyncwatch import env, marks
from asyncwatch.blocking_calls import Call
from asyncwatch.call_events import CallBlocked, MarkedCalled
from asyncwatch.frames import RawFrame, Scope
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.quiet import APP, LIBRARY, QUIET, Allowed, Places, is_import, is_quiet
from asyncwatch.hooks.stacks import inside, is_outside
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.hooks.waits import QUESTIONS

PART = "hooks.calls"

# Places that are told apart; calls at others are counted only.
MOST_PLACES = 20_000
_AWAITS = frozenset({opcode.opmap["SEND"], opcode.opmap["YIELD_VALUE"]})
_NOTHING: Mapping[str, Any] = {}


class Calls:
    """Judges on the loop's thread whether a call is one to speak of, and says each place once."""

    def __init__(self, bus: Bus, loops: Loops, ledger: Ledger, scope: Scope, allow: Sequence[str]) -> None:
        self._bus, self._loops, self._ledger = bus, loops, ledger
        self._places = Places(scope)
        self._allowed = Allowed(allow)
        self._current = env.current_task_getter()
        # By `id(code) + lasti`, see sites.py; the code (or the mark) is kept, so that the key stays true.
        self._told: dict[int, CodeType | marks.Mark] = {}
        self._busy = threading.local()
        self.count = 0

    def forget(self) -> None:
        self._told.clear()
        self.count = 0

    # -- a function that is known to block --

    def blocked(
        self, call: Call, first: Any, frame: FrameType, given: Mapping[str, Any] = _NOTHING, path: Any = None
    ) -> None:
        """A call of `call` is about to be made under `frame`. Raises nothing."""
        loop = _get_running_loop()
        if loop is None or not self._bus.works(PART) or getattr(self._busy, "on", False):
            return
        self._busy.on = True
        try:
            task = self._current(loop)
            if task is None or not self._waits(call, first, given, frame):
                return
            if id(frame.f_code) + frame.f_lasti in self._told:
                self.count += 1
            else:
                self._place(call, loop, task, frame, path)
        except Exception as error:
            self._bus.fail(PART, error)
        finally:
            self._busy.on = False

    def _waits(self, call: Call, first: Any, given: Mapping[str, Any], frame: FrameType) -> bool:
        if not call.waits:
            return True
        try:
            return QUESTIONS[call.waits](first, given, frame.f_code, frame.f_lasti)
        except (ValueError, OSError):
            return False  # closed or detached: the call itself says so

    def _place(self, call: Call, loop: Any, task: Any, frame: FrameType, path: Any) -> None:
        state = self._loops.state(loop)
        base = state.base if state is not None else None
        site = self._site(frame, task, base)
        if site is None:
            return
        key = id(site.f_code) + site.f_lasti
        if key in self._told or len(self._told) >= MOST_PLACES:
            self.count += 1
            return
        frames, _ = inside(frame, task, base)
        if is_import(frames) or self._allows(call.name, frame, len(frames), path):
            return
        self.count += 1
        self._told[key] = site.f_code
        facts = state.facts if state is not None else None
        self._bus.emit(CallBlocked(facts, call.name, tuple(frames), self._ledger.facts(task)))

    def _allows(self, name: str, frame: FrameType | None, depth: int, path: Any = None) -> bool:
        return bool(self._allowed) and self._allowed.allows(name, _modules(frame, depth), _text(path))

    def _site(self, frame: FrameType, task: Any, base: CodeType | None) -> FrameType | None:
        """The application's innermost frame, else a library's; None when it is the loop's or the interpreter's call."""
        root = getattr(env.coro_of(task), "cr_frame", None)
        found: FrameType | None = None
        one: FrameType | None = frame
        if frame.f_code.co_code[frame.f_lasti] in _AWAITS:
            return None  # it stands at an `await`: the awaited is native code, uvloop's say, and no call of its own
        while one is not None:
            code = one.f_code
            whose = self._places.whose(code.co_filename)
            if whose == APP:
                return one
            if found is None and (whose == QUIET or is_quiet(code)):
                return None
            if is_outside(code, one.f_lasti, base):
                return found
            if whose == LIBRARY and found is None:
                found = one
            if one is root:
                return found
            one = one.f_back
        return found

    # -- a function that its author marked --

    def marked(self, mark: marks.Mark, caller: FrameType | None, code: CodeType | None) -> None:
        """A marked function was called, or its generator run, by `caller`. Raises nothing."""
        loop = _get_running_loop()
        if loop is None or not self._bus.works(PART):
            return
        if caller is not None and id(caller.f_code) + caller.f_lasti in self._told:
            self.count += 1
            return
        try:
            state, task = self._loops.state(loop), self._current(loop)
            frames, root = inside(caller, task, state.base if state is not None else None)
            if root is None and task is not None:
                frames = []
            key = id(frames[0][0]) + frames[0][1] if frames else id(mark)
            self.count += 1
            if key in self._told or len(self._told) >= MOST_PLACES:
                return
            if self._allows(mark.name, caller, len(frames)):
                return
            self._told[key] = frames[0][0] if frames else mark
            facts = None if task is None else self._ledger.facts(task)
            defined: RawFrame | None = None if code is None else (code, 0)
            self._bus.emit(
                MarkedCalled(state.facts if state else None, mark.name, mark.instead, defined, tuple(frames), facts)
            )
        except Exception as error:
            self._bus.fail(PART, error)


def _modules(frame: FrameType | None, most: int) -> list[tuple[CodeType, str]]:
    """The frames of a running step, with the names of their modules."""
    found: list[tuple[CodeType, str]] = []
    while frame is not None and len(found) <= most:
        found.append((frame.f_code, str(frame.f_globals.get("__name__"))))
        frame = frame.f_back
    return found


def _text(path: Any) -> str | None:
    if isinstance(path, bytes):
        return path.decode(errors="replace")
    return path if isinstance(path, str) else None
