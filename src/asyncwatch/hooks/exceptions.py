"""The loop's exception handler: what reaches it is observed, then goes the way it would have gone."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable
from typing import Any

from asyncwatch.events import CallbackFailed, Event, TaskFacts
from asyncwatch.hooks import waiting
from asyncwatch.hooks.bus import Bus, describe, traceback_frames
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.stacks import is_loop_code
from asyncwatch.hooks.taps import LogTap
from asyncwatch.hooks.tasks import Ledger, is_over
from asyncwatch.task_events import TaskDestroyed, TaskFailed, TaskUnheld

PART = "hooks.exceptions"

# https://github.com/python/cpython/blob/3.13/Modules/_asynciomodule.c (TaskObj_finalize)
DESTROYED = "Task was destroyed but it is pending!"

# asyncio adds a handle's repr: addresses, paths and, in debug mode, argument values. The callback's name is enough.
_CALLBACK = re.compile(r"(Exception in callback)(?: (\w[\w.<>]*))?")


class ExceptionTap:
    """Turns the contexts that reach `call_exception_handler` into events."""

    def __init__(self, bus: Bus, loops: Loops, ledger: Ledger, log: LogTap) -> None:
        self._bus = bus
        self._loops = loops
        self._ledger = ledger
        self._log = log

    def wrap(self, original: Callable[[Any, dict[str, Any]], None]) -> Callable[[Any, dict[str, Any]], None]:
        """The replacement for a loop class's `call_exception_handler`."""

        @functools.wraps(original)
        def call_exception_handler(self: Any, context: dict[str, Any]) -> None:
            if not tap.taken(self, context):
                return original(self, context)
            with tap._log.taking():
                return original(self, context)

        tap = self
        return call_exception_handler

    def taken(self, loop: Any, context: Any) -> bool:
        """Whether a finding will say it."""
        if not self._bus.works(PART) or not isinstance(context, dict):
            return False
        try:
            if context.get("message") == DESTROYED:
                return self._destroyed(loop, context.get("task"))
            event = self._event(loop, context)
            return event is not None and self._bus.emit(event)
        except Exception as error:
            self._bus.fail(PART, error)
            return False

    def _destroyed(self, loop: Any, task: Any) -> bool:
        """From the destructor of a pending task."""
        record = self._ledger.record_of(task)
        if record is not None and self._ledger.left.get(id(task)) is record:
            return True  # that its loop was closed over it has been said
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

    def _event(self, loop: Any, context: dict[str, Any]) -> Event | None:
        error = context.get("exception")
        if not isinstance(error, BaseException):
            return None
        state = self._loops.state(loop)
        facts = state.facts if state else None
        frames = tuple(raw for raw in traceback_frames(error.__traceback__) if not is_loop_code(raw[0]))
        future = context.get("future")
        if future is not None and "never retrieved" in str(context.get("message", "")):
            # From the destructor of a future: a task is AW204; a plain future stays asyncio's own to report.
            if "AW204" not in self._bus.enabled or not isinstance(future, asyncio.Task):
                return None
            return TaskFailed(facts, self._ledger.facts(future), describe(error), frames)
        if "AW403" not in self._bus.enabled:
            return None
        return CallbackFailed(facts, _message(context), describe(error), frames, self._task(context))

    def _task(self, context: dict[str, Any]) -> TaskFacts | None:
        task = context.get("task") or context.get("future")
        return self._ledger.facts(task) if isinstance(task, asyncio.Task) else None


def _message(context: dict[str, Any]) -> str:
    """asyncio's own sentence, in one line and without addresses."""
    text = str(context.get("message") or "exception")[:2000]
    match = _CALLBACK.match(text)
    if match:
        return f"{match[1]} {match[2]}()"[:200] if match[2] else match[1]
    return " ".join(text.partition(" <")[0].split())[:200]
