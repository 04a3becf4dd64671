"""Tasks: who created each and where, remembered as numbers and code objects; and what became of them.

`create_task` is replaced on the loop's class, around whatever factory the program sets: the factory stays the
program's own, sees every keyword, and `get_task_factory()` answers as without us.
The ledger maps a task's id to a weak reference that carries its record; it keeps no task alive.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from types import CoroutineType, FrameType
from typing import Any

from asyncwatch import env
from asyncwatch.events import ParentFacts, TaskFacts
from asyncwatch.frames import PACKAGE
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.sites import Site, Sites

PART = "hooks.tasks"


class Record(weakref.ref[Any]):
    """What is known of one task: four slots on the weak reference itself."""

    __slots__ = ("born", "facts", "parent", "site")

    born: float
    site: Site | None
    parent: Record | None
    facts: ParentFacts | None


class Ledger:
    """The records of all tasks whose creation was seen."""

    def __init__(self, bus: Bus, sites: Sites) -> None:
        self.records: dict[int, Record] = {}
        self._bus = bus
        self._sites = sites
        self._current = env.current_task_getter()

    def note(self, loop: Any, task: Any, frame: FrameType | None) -> None:
        """Remember a task that was just created under `frame`. On the loop's thread; costs about a microsecond."""
        current = self._current(loop)
        root: FrameType | None = None
        if current is not None:
            coro = current.get_coro()
            if type(coro) is CoroutineType:
                root = coro.cr_frame
        record = Record(task)
        record.born = self._bus.clock
        record.facts = None
        record.site = self._sites.of(frame, root)
        record.parent = None if current is None else self._parent(current)
        self.records[id(task)] = record

    def _parent(self, current: Any) -> Record:
        record = self.records.get(id(current))
        if record is None or record() is not current:
            record = Record(current)
            record.born, record.site, record.parent, record.facts = self._bus.clock, None, None, None
            self.records[id(current)] = record
        if record.facts is None:
            record.facts = ParentFacts(task_name(current), coro_name(current))
        return record

    def record_of(self, task: Any) -> Record | None:
        """The record of a living task, also of one that the collector is finalising (its references are cleared)."""
        record = self.records.get(id(task))
        return record if record is not None and record() in (None, task) else None

    def facts(self, task: Any) -> TaskFacts:
        """A task as events carry it."""
        record = self.record_of(task)
        created = record.site.frames if record and record.site else ()
        parent = record.parent.facts if record and record.parent else None
        return TaskFacts(task_name(task), coro_name(task), created, parent)


def task_name(task: Any) -> str:
    try:
        return str(task.get_name())[:200]
    except Exception:
        return type(task).__name__


def coro_name(task: Any) -> str:
    """The task's coroutine as `module.qualname`, what can be had of it."""
    coro = task.get_coro() if hasattr(task, "get_coro") else None
    name = str(getattr(coro, "__qualname__", None) or type(coro).__name__)
    frame = getattr(coro, "cr_frame", None)
    module = frame.f_globals.get("__name__") if frame is not None else None
    return f"{module}.{name}"[:300] if isinstance(module, str) else name[:300]


def wrap_create_task(original: Callable[..., Any], ledger: Ledger, bus: Bus) -> Callable[..., Any]:
    """The replacement for a loop class's `create_task`."""
    getframe = sys._getframe
    note = ledger.note

    @functools.wraps(original)
    def create_task(self: Any, coro: Any, **kwargs: Any) -> Any:
        task = original(self, coro, **kwargs)
        try:
            note(self, task, getframe(1))
            if task._source_traceback:
                _hide_own_frames(task._source_traceback)
        except Exception as error:
            _failed(bus, error, task)
        try:
            return task
        finally:
            # As in the standard library: no cycle from an exception's traceback through this frame to the task.
            # https://github.com/python/cpython/issues/128552
            del task

    return create_task


def _hide_own_frames(stack: Any) -> None:
    """Debug mode's creation stack names the program's lines, not this module's."""
    own = [entry for entry in stack if entry.filename.startswith(PACKAGE)]
    for entry in own:
        stack.remove(entry)


def _failed(bus: Bus, error: Exception, task: Any) -> None:
    # A factory may return anything that is not a task, a mock or None: no failure of ours.
    if hasattr(task, "_source_traceback") and hasattr(task, "get_loop"):
        bus.fail(PART, error)
