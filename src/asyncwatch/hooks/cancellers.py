"""Who called `Task.cancel()`: heard from the interpreter, which reports the calls of functions that name `cancel`.

`Task.cancel` is C code of a type that cannot be changed. `sys.monitoring` tells of each function once when it first
begins (`PY_START`, then switched off for it) and after that of the calls in those few that name `cancel`; all others
run as before. https://docs.python.org/3/library/sys.monitoring.html
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from types import CodeType, FrameType
from typing import Any

from asyncwatch import env, plain
from asyncwatch.env import MONITORING
from asyncwatch.frames import RawFrame
from asyncwatch.hooks import tools
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.forgotten import Forgotten
from asyncwatch.hooks.names import task_name
from asyncwatch.hooks.stacks import is_loop_code, is_ours

PART = "hooks.cancellers"
TOOL = "asyncwatch cancellers"
NAME = "cancel"
# https://github.com/python/cpython/blob/3.12/Lib/asyncio/runners.py (Runner._on_sigint)
SIGINT = "Runner._on_sigint"
# Requests that are remembered; of more, the oldest are forgotten.
MOST_REQUESTS = 1_000
DEEPEST = 12
# Functions that are listened to, which keeps their code alive; programs that make code without end make more.
MOST_CODES = 5_000


@plain.record
class Request:
    """One call of `cancel()`: of which task, by whom (empty in a callback), where, innermost first, and when."""

    task: weakref.ref[Any]
    by: str
    frames: tuple[RawFrame, ...]
    at: float


class Cancellers:
    """Remembers the last request to each task."""

    def __init__(self, bus: Bus, *, wanted: bool) -> None:
        self._bus = bus
        self._tool: int | None = None
        self._codes: list[CodeType] = []
        self._requests: dict[int, Request] = {}
        self._current = env.current_task_getter()
        self.why = env.WHY_NO_MONITORING if wanted else "in profile debug"
        self._wanted = wanted and not self.why
        self.forgotten = Forgotten(bus)

    def row(self) -> tuple[str, str, str]:
        """What `AW000` says of it."""
        return ("cancellers", "blind" if self.why else "armed", self.why)

    def last(self, task: Any) -> Request | None:
        """The last time that anybody asked this task to end, if it was seen."""
        found = self._requests.get(id(task))
        return found if found is not None and found.task() is task else None

    # -- life --

    def install(self) -> None:
        """Begin to listen, if a number for it is free."""
        if not self._wanted or "AW209" not in self._bus.enabled:
            return
        events = MONITORING.events
        self._tool = tools.take(TOOL, {events.PY_START: self._begins, events.CALL: self._calls})
        if self._tool is None:
            self.why = tools.WHY_NONE
            return
        MONITORING.set_events(self._tool, events.PY_START)
        MONITORING.restart_events()  # what an earlier watcher of this process switched off

    def uninstall(self) -> None:
        """Hear no more, and give the number back."""
        if self._tool is None:
            return
        tool, self._tool = self._tool, None
        tools.release(tool, self._codes, (MONITORING.events.PY_START, MONITORING.events.CALL))
        self._codes.clear()
        self._requests.clear()

    # -- what the interpreter calls, in any thread --

    def _begins(self, code: CodeType, offset: int) -> Any:
        """A function runs for the first time."""
        tool = self._tool
        if NAME in code.co_names and tool is not None and len(self._codes) < MOST_CODES:
            try:
                self._codes.append(code)
                MONITORING.set_local_events(tool, code, MONITORING.events.CALL)
            except Exception as error:
                self._bus.fail(PART, error)
        return MONITORING.DISABLE

    def _calls(self, code: CodeType, offset: int, function: Any, first: Any) -> Any:
        """A function that names `cancel` calls something. What has another name is never asked about again."""
        try:
            if getattr(function, "__name__", NAME) != NAME:
                return MONITORING.DISABLE
            task = first if isinstance(first, asyncio.Task) else getattr(function, "__self__", None)
            if isinstance(task, asyncio.Task) and self._bus.works(PART):
                self._note(task)
        except Exception as error:
            self._bus.fail(PART, error)
        return None

    def _note(self, task: Any) -> None:
        frames: list[RawFrame] = []
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and len(frames) < DEEPEST and not is_loop_code(frame.f_code):
            if not is_ours(frame):
                frames.append((frame.f_code, frame.f_lasti))
            if frame.f_code.co_qualname == SIGINT:
                break  # whatever line Ctrl-C met did not ask for it
            frame = frame.f_back
        loop = asyncio._get_running_loop()
        current = self._current(loop) if loop is not None else None
        by = f"task {task_name(current)!r}" if current is not None else ""
        if frames and frames[-1][0].co_qualname == SIGINT:
            by = "Ctrl-C"
        if len(self._requests) >= MOST_REQUESTS:
            for key in list(self._requests)[: MOST_REQUESTS // 2]:
                self._requests.pop(key, None)
        self._requests.pop(id(task), None)
        self._requests[id(task)] = Request(weakref.ref(task), by, tuple(frames), self._bus.now())
