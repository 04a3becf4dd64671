"""`create_task`: replaced on the loop's class, so that each task is written into the ledger as it is made.

The replacement lies around whatever factory the program sets: the factory stays the program's own, sees every keyword,
and `get_task_factory()` answers as without us.
"""

from __future__ import annotations

import functools
import inspect
import sys
from asyncio import _get_running_loop
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.hooks import twins
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.hiding import hide_own_entry, hide_own_frames
from asyncwatch.hooks.sites import Site
from asyncwatch.hooks.tasks import PART, Ledger, Parent

# asyncio's own functions that call the loop's create_task for somebody else.
FORWARDERS = frozenset({"asyncio.tasks", "asyncio.taskgroups"})
FILLED_IN: dict[str, Any] = {"name": None, "context": None}
_MISSING = object()


def wrap_create_task(original: Callable[..., Any], ledger: Ledger, bus: Bus) -> Callable[..., Any]:
    """The replacement for a loop class's `create_task`: by the twin in C where there is one, else by Python's."""
    wrap = _in_c if ledger.in_c else _in_python
    try:
        replacement = wrap(original, ledger, bus)
    except Exception as error:
        bus.fail("hooks.twins", error)
        replacement = _in_python(original, ledger, bus)
    return ledger.lies_on(replacement, original)


def _in_c(original: Callable[..., Any], ledger: Ledger, bus: Bus) -> Callable[..., Any]:
    known, meet = ledger.places()
    ways = ledger.sites.ways.steps
    replacement = twins.COMPILED.create_task(  # type: ignore[union-attr]
        *(original, bus, Site, ledger.records, known, ledger.parents, FORWARDERS, ways, Parent),
        *(env.current_task_getter(), _get_running_loop, meet, ledger.parent, hide_own_frames),
        functools.partial(_failed, bus),
        fills_in=_fills_in(original, FILLED_IN),
    )
    return functools.update_wrapper(replacement, original)


def _in_python(original: Callable[..., Any], ledger: Ledger, bus: Bus) -> Callable[..., Any]:
    # Every task of the program pays for every line of it; hence one function, local names, and depths for frames.
    known, meet, parents, forwarders, missing = *ledger.places(), ledger.parents, FORWARDERS, _MISSING
    getframe, module_at, current_task, new = sys._getframe, env.module_at, env.current_task_getter(), ledger.new
    records, fills = ledger.records, _fills_in(original, FILLED_IN)

    @functools.wraps(original)
    def create_task(self: Any, coro: Any, *, name: Any = missing, context: Any = missing, **kwargs: Any) -> Any:
        try:
            if kwargs or context is not missing or not (name is missing or (name is None and fills)):
                task = original(self, coro, **_given(kwargs, name, context))
            else:  # where it fills in None itself that is cheaper
                task = original(self, coro)
        except BaseException as error:
            hide_own_entry(error)
            raise
        try:
            if task._source_traceback:
                hide_own_frames(task._source_traceback)
            if bus.room <= 0:
                bus.skipped, bus.skipped_at = bus.skipped + 1, bus.clock
                return task
            bus.room -= 1
            record = new(task)
            record.born = bus.clock
            current = current_task(self)
            frame = getframe(2 if module_at(1) in forwarders else 1)
            site = known.get(id(frame.f_code) + frame.f_lasti)
            record.site = site if site is not None and site.plain else meet(self, getframe(1), current)
            parent = parents.get(id(current))
            record.parent = parent if parent is not None and parent() is current else ledger.parent(current, self)
            records[id(task)] = record
        except Exception as error:
            _failed(bus, error, task)
        try:
            return task
        finally:
            del task  # no cycle from a traceback to the task: https://github.com/python/cpython/issues/128552

    return create_task


def _given(kwargs: dict[str, Any], name: Any, context: Any) -> dict[str, Any]:
    """The keywords as they were written."""
    if name is not _MISSING:
        kwargs["name"] = name
    if context is not _MISSING:
        kwargs["context"] = context
    return kwargs


def _fills_in(function: Callable[..., Any], defaults: dict[str, Any]) -> bool:
    """Whether a method has these keyword-only parameters with these defaults, and takes no unnamed ones.

    Then leaving one out is the same as giving it its default, and cheaper.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())[2:]
    except (TypeError, ValueError):
        return False
    found = {parameter.name: parameter.default for parameter in parameters}
    named = all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    return named and all(name in found and found[name] is default for name, default in defaults.items())


def _failed(bus: Bus, error: Exception, task: Any) -> None:
    # A factory may return anything that is not a task, a mock, None, or what raises when looked at: no failure of ours.
    try:
        looks_like_one = hasattr(task, "_source_traceback") and hasattr(task, "get_loop")
    except Exception:
        return
    if looks_like_one:
        bus.fail(PART, error)
