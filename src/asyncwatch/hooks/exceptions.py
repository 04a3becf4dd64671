"""The loop's exception handler: what reaches it is observed, then goes the way it would have gone."""

from __future__ import annotations

import asyncio
import functools
import re
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from asyncwatch import env
from asyncwatch.events import CallbackFailed, Event, TaskFacts
from asyncwatch.frames import RawFrame
from asyncwatch.hooks import droppers as seen
from asyncwatch.hooks import waiting
from asyncwatch.hooks.bus import Bus, describe, traceback_frames
from asyncwatch.hooks.droppers import Droppers
from asyncwatch.hooks.executors import Executors
from asyncwatch.hooks.foreign import ForeignCalls
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.resources import Resources
from asyncwatch.hooks.stacks import is_loop_code
from asyncwatch.hooks.taps import LogTap
from asyncwatch.hooks.tasks import Ledger, is_over
from asyncwatch.resource_events import FutureFailed
from asyncwatch.task_events import TaskDestroyed, TaskFailed, TaskUnheld

PART = "hooks.exceptions"

# https://github.com/python/cpython/blob/3.13/Modules/_asynciomodule.c (TaskObj_finalize)
DESTROYED = "Task was destroyed but it is pending!"
# A handler of the program's own that raises; uvloop says the same.
# https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py (call_exception_handler)
HANDLER_FAILED = "Unhandled error in exception handler"
# Of a future's destructor; of `shield()` whose waiter is gone, from Python 3.14 on.
UNASKED = re.compile(r"exception (was never retrieved|in shielded future)$")
# aiohttp's words, in a context without an exception.
UNCLOSED = re.compile(r"unclosed\b", re.I)

# Of a traceback, to tell whether it is the same place.
MOST_LINES = 64

# asyncio adds a handle's repr: addresses, paths and, in debug mode, argument values. The callback's name is enough.
_REPR = r"<(?:function|bound method|built-in (?:function|method)|class) '?"
_CALLBACK = re.compile(rf"(Exception in callback)(?: (?:{_REPR})?(\w[\w.<>]*))?")
# Where uvloop calls a callback, as it is called in tracebacks.
_UVLOOP_RUNS = "uvloop/cbhandles.pyx"
# Children of one gather() that are looked at for the line of the call.
MOST_CHILDREN = 8


class ExceptionTap:
    """Turns the contexts that reach `call_exception_handler` into events."""

    def __init__(
        self,
        bus: Bus,
        loops: Loops,
        ledger: Ledger,
        log: LogTap,
        droppers: Droppers,
        resources: Resources,
        executors: Executors,
        foreign: ForeignCalls,
    ) -> None:
        self._bus = bus
        self._loops = loops
        self._ledger = ledger
        self._log = log
        self._droppers = droppers
        self._resources = resources
        self._executors = executors
        self._foreign = foreign

    def wrap(self, original: Callable[[Any, dict[str, Any]], None]) -> Callable[[Any, dict[str, Any]], None]:
        """The replacement for a loop class's `call_exception_handler`."""

        @functools.wraps(original)
        def call_exception_handler(self: Any, context: dict[str, Any]) -> None:
            if not tap.taken(self, context, sys._getframe(1)):
                return original(self, context)
            with tap._log.taking():
                return original(self, context)

        tap = self
        return call_exception_handler

    def wrap_default(self, original: Callable[[Any, dict[str, Any]], None]) -> Callable[[Any, dict[str, Any]], None]:
        """The replacement for `default_exception_handler`, which is also told when the program's own one fails."""

        @functools.wraps(original)
        def default_exception_handler(self: Any, context: dict[str, Any]) -> None:
            if not isinstance(context, dict) or context.get("message") != HANDLER_FAILED:
                return original(self, context)
            with tap._log.taking(tap.taken(self, context, sys._getframe(1))):
                return original(self, context)

        tap = self
        return default_exception_handler

    def taken(self, loop: Any, context: Any, frame: FrameType) -> bool:
        """Whether a finding will say it."""
        if not self._bus.works(PART) or not isinstance(context, dict):
            return False
        try:
            if context.get("message") == DESTROYED:
                return self._destroyed(loop, context.get("task"))
            if not isinstance(context.get("exception"), BaseException) and UNCLOSED.match(str(context.get("message"))):
                return self._resources.reported(context)
            place = self._place(context, frame)
            if self._bus.again(place):
                return True
            event = self._event(loop, context, frame)
            return event is not None and self._bus.emit_at(place, event)
        except Exception as error:
            self._bus.fail(PART, error)
            return False

    def _destroyed(self, loop: Any, task: Any) -> bool:
        """From the destructor of a pending task."""
        record = self._ledger.record_of(task)
        if record is not None and self._ledger.left.get(id(task)) is record:
            return True  # that its loop was closed over it has been said
        if record is None and self._foreign.took_back():
            return True
        if "AW203" not in self._bus.enabled or not isinstance(task, asyncio.Task):
            return False
        state = self._loops.state(loop)
        facts, task_facts = state.facts if state else None, self._ledger.facts(task)
        site = record.site if record is not None else None
        discarded = site is not None and site.discards
        waits = waiting.waits_at(task)
        said = getattr(state and state.work, "said", {}).get(id(task)) is record
        if record is not None and site is not None and discarded and not said:
            age = max(0.0, self._bus.clock - record.born)
            parent_done = None if record.parent is None else is_over(record.parent)
            self._bus.emit(TaskUnheld(facts, task_facts, age, waits, True, parent_done, True, site.dropper))
        return self._bus.emit(TaskDestroyed(facts, task_facts, waits, discarded))

    def _event(self, loop: Any, context: dict[str, Any], frame: FrameType) -> Event | None:
        error, future = context.get("exception"), context.get("future")
        state = self._loops.state(loop)
        facts = state.facts if state else None
        if not isinstance(error, BaseException):
            if "AW403" not in self._bus.enabled or not context.get("message"):
                return None
            frames, task = self._droppers.seen_from(frame)
            return CallbackFailed(facts, _message(context), "", frames[::-1], task or self._task(context))
        frames = tuple(raw for raw in traceback_frames(error.__traceback__) if not _is_loops(raw[0]))
        if future is not None and UNASKED.search(str(context.get("message", ""))):
            if isinstance(future, asyncio.Task):
                wanted = "AW204" in self._bus.enabled
                return TaskFailed(facts, self._ledger.facts(future), describe(error), frames) if wanted else None
            if "AW303" not in self._bus.enabled or isinstance(error, asyncio.CancelledError):
                return None  # of a gather() whose children were cancelled: no failure, whatever asyncio calls it
            return self._future(state, future, error, frames, frame)
        if "AW403" not in self._bus.enabled:
            return None
        scheduled = seen.recorded(context.get("source_traceback"), state)
        return CallbackFailed(facts, _message(context), describe(error), frames, self._task(context), scheduled)

    def _future(
        self, state: LoopState | None, future: Any, error: BaseException, frames: tuple[RawFrame, ...], frame: FrameType
    ) -> Event:
        """From the destructor of a future that is no task."""
        created = seen.recorded(getattr(future, "_source_traceback", None), state)
        dropped, task = self._droppers.seen_from(frame)
        children = getattr(future, "_children", None)
        tasks = [one for one in children if isinstance(one, asyncio.Task)] if isinstance(children, list) else []
        return FutureFailed(
            state.facts if state is not None else None,
            type(future).__qualname__[:100],
            describe(error),
            frames,
            created or self._executors.place_of(future),
            dropped,
            tuple(self._ledger.facts(one) for one in tasks[:MOST_CHILDREN]),
            task,
        )

    def _place(self, context: dict[str, Any], frame: FrameType) -> object:
        """What contexts have in common that lead to the same finding: the lines that raised, the words, who made it."""
        future, error = context.get("future"), context.get("exception")
        record = self._ledger.record_of(future) if future is not None else None
        site = id(record.site) if record is not None else (id(frame.f_code), frame.f_lasti)
        coro = env.coro_of(future) if isinstance(future, asyncio.Task) else None
        owner = type(future), getattr(coro, "__qualname__", None), site
        return type(error), _lines(error), owner, str(context.get("message"))[:200]

    def _task(self, context: dict[str, Any]) -> TaskFacts | None:
        task = context.get("task") or context.get("future")
        return self._ledger.facts(task) if isinstance(task, asyncio.Task) else None


def _lines(error: Any) -> tuple[tuple[int, int], ...]:
    """The lines that raised, as numbers."""
    trace = error.__traceback__ if isinstance(error, BaseException) else None
    lines: list[tuple[int, int]] = []
    while trace is not None and len(lines) < MOST_LINES:
        lines.append((id(trace.tb_frame.f_code), trace.tb_lasti))
        trace = trace.tb_next
    return tuple(lines)


def _is_loops(code: CodeType) -> bool:
    return is_loop_code(code) or code.co_filename == _UVLOOP_RUNS


def _message(context: dict[str, Any]) -> str:
    """asyncio's own sentence, in one line and without addresses."""
    text = str(context.get("message") or "Unhandled exception in event loop")[:2000]
    match = _CALLBACK.match(text)
    if match:
        return f"{match[1]} {match[2]}()"[:200] if match[2] else match[1]
    return " ".join(text.partition(" <")[0].split())[:200]
