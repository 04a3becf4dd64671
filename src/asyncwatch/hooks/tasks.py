"""Tasks: who created each and where, remembered as numbers and code objects; and what became of them.

`create_task` is replaced on the loop's class, around whatever factory the program sets: the factory stays the
program's own, sees every keyword, and `get_task_factory()` answers as without us.
The ledger maps a task's id to a weak reference that carries its record; it keeps no task alive.
"""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from asyncwatch import env
from asyncwatch.events import ParentFacts, TaskFacts
from asyncwatch.frames import PACKAGE
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.sites import Site, Sites

PART = "hooks.tasks"

# asyncio's own functions that call the loop's create_task for somebody else.
FORWARDERS = frozenset({"asyncio.tasks", "asyncio.taskgroups"})
_MISSING = object()
# Of the newest tasks, when one is looked for by its function.
MOST_SEARCHED = 2_000


class Parent(weakref.ref[Any]):
    """A task that created others: what is said of it once it is gone. `root` when no task created it."""

    __slots__ = ("facts", "root")

    facts: ParentFacts
    root: bool


class Record(weakref.ref[Any]):
    """What is known of one task: slots on the weak reference itself. The second row is set when it has lived a while.

    `waits` is the future it waits for and `since` when that was first seen; at `due` it is to be judged, and `told` is
    the wait that was. `left` when its loop was closed over it.
    """

    __slots__ = (
        "born",
        "due",
        "left",
        "parent",
        "since",
        "site",
        "told",
        "waits",
    )  # fmt: skip

    born: float
    site: Site | None
    parent: Parent | None
    waits: weakref.ref[Any] | None
    since: float
    due: float


class Ledger:
    """The records of all tasks whose creation was seen, and of those that created others, by the task's id."""

    def __init__(self, bus: Bus, sites: Sites) -> None:
        self.records: dict[int, Record] = {}
        self.parents: dict[int, Parent] = {}
        self.left: dict[int, Record] = {}  # by the task's id, those that were pending when their loop ended
        self.sites = sites
        self.skipped = 0
        self.brief = 0  # dropped tasks that ended before anybody could call them that
        self._bus = bus

    def skip(self, task: Any) -> Any:
        """Pass on a task that came too fast to be recorded, and count it."""
        self.records.pop(id(task), None)
        self.skipped += 1
        return task

    def parent(self, current: Any) -> Parent:
        """Remember a task that creates its first child."""
        record = self.record_of(current)
        parent = self.parents[id(current)] = Parent(current)
        parent.root = record is None or record.parent is None
        parent.facts = ParentFacts(task_name(current), coro_name(current))
        return parent

    def forget_parents(self) -> None:
        """Drop what is known of tasks that are gone; their children keep what they need."""
        for key, parent in list(self.parents.items()):
            if parent() is None and self.parents.get(key) is parent:
                del self.parents[key]

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

    def running(self, file: str, function: str) -> TaskFacts | None:
        """The one task whose coroutine is this function, which was seen running; None when that is not clear."""
        found = None
        for record in list(self.records.values())[-MOST_SEARCHED:]:
            task = record()
            code = getattr(task.get_coro(), "cr_code", None) if task is not None else None
            if code is not None and (code.co_filename, code.co_name) == (file, function):
                if found is not None:
                    return None
                found = task
        return self.facts(found) if found is not None else None


def is_over(record: weakref.ref[Any]) -> bool:
    """Whether the task behind a record is done, or gone."""
    task = record()
    return task is None or bool(task.done())


def task_name(task: Any) -> str:
    try:
        return str(task.get_name())[:200]
    except Exception:
        return type(task).__name__


def coro_name(task: Any) -> str:
    """The task's coroutine as `module.qualname`, what can be had of it."""
    coro = task.get_coro() if hasattr(task, "get_coro") else None
    name = str(getattr(coro, "__qualname__", None) or type(coro).__name__)
    frame, code = getattr(coro, "cr_frame", None), getattr(coro, "cr_code", None)
    module = frame.f_globals.get("__name__") if frame is not None else module_of(code)
    return f"{module}.{name}"[:300] if isinstance(module, str) else name[:300]


def module_of(code: Any) -> str | None:
    """The module a finished coroutine's code came from, by its file; only asked when something is reported."""
    filename = getattr(code, "co_filename", None)
    for name, module in list(sys.modules.items()):
        if type(module) is ModuleType and filename and module.__dict__.get("__file__") == filename:
            return name
    return None


def wrap_create_task(original: Callable[..., Any], ledger: Ledger, bus: Bus) -> Callable[..., Any]:
    """The replacement for a loop class's `create_task`; a task factory sees the keywords that were written, no others.

    Every task of the program pays for every line of it; hence one function, local names, and depths for frames.
    """
    records, known, find, parents = ledger.records, ledger.sites.known, ledger.sites.find, ledger.parents
    getframe, module_at, current_task = sys._getframe, env.module_at, env.current_task_getter()
    new, forwarders, missing, fills = Record, FORWARDERS, _MISSING, _fills_in(original, {"name": None, "context": None})

    @functools.wraps(original)
    def create_task(self: Any, coro: Any, *, name: Any = missing, context: Any = missing, **kwargs: Any) -> Any:
        # Where the original would fill in None itself, leaving it out is the same and cheaper.
        if context is missing and not kwargs and (name is missing or (name is None and fills)):
            task = original(self, coro)
        else:
            task = original(self, coro, **_given(kwargs, name=name, context=context))
        try:
            if task._source_traceback:
                hide_own_frames(task._source_traceback)
            if bus.room <= 0:
                return ledger.skip(task)
            bus.room -= 1
            record = new(task)
            record.born, record.parent = bus.clock, None
            current = current_task(self)
            frame = getframe(2 if module_at(1) in forwarders else 1)
            site = known.get(id(frame.f_code) + frame.f_lasti)
            record.site = site if site is not None and site.plain else find(getframe(1), current)
            if current is not None:
                parent = parents.get(id(current))
                record.parent = parent if parent is not None and parent() is current else ledger.parent(current)
            records[id(task)] = record
        except Exception as error:
            _failed(bus, error, task)
        try:
            return task
        finally:
            del task  # no cycle from a traceback to the task: https://github.com/python/cpython/issues/128552

    return create_task


def _given(kwargs: dict[str, Any], **named: Any) -> dict[str, Any]:
    kwargs.update((key, value) for key, value in named.items() if value is not _MISSING)
    return kwargs


def _fills_in(function: Callable[..., Any], defaults: dict[str, Any]) -> bool:
    """Whether a method has these keyword-only parameters with these defaults, and takes no unnamed ones."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[2:]
    except (TypeError, ValueError):
        return False
    found = {parameter.name: parameter.default for parameter in parameters}
    named = all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    return named and all(name in found and found[name] is default for name, default in defaults.items())


def hide_own_frames(stack: Any) -> None:
    """Debug mode's creation stack names the program's lines, not this module's."""
    own = [entry for entry in stack if entry.filename.startswith(PACKAGE)]
    for entry in own:
        stack.remove(entry)


def _failed(bus: Bus, error: Exception, task: Any) -> None:
    # A factory may return anything that is not a task, a mock or None: no failure of ours.
    if hasattr(task, "_source_traceback") and hasattr(task, "get_loop"):
        bus.fail(PART, error)
