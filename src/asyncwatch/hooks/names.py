"""What tasks and coroutines are called in findings."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from asyncwatch import env
from asyncwatch.hooks.tables import items_of


def task_name(task: Any) -> str:
    try:
        return str(task.get_name())[:200]
    except Exception:
        return type(task).__name__


def coro_name(task: Any) -> str:
    """The task's coroutine as `module.qualname`, what can be had of it."""
    coro = env.coro_of(task) if hasattr(task, "get_coro") else None
    name = str(getattr(coro, "__qualname__", None) or type(coro).__name__)
    frame, code = getattr(coro, "cr_frame", None), getattr(coro, "cr_code", None)
    module = frame.f_globals.get("__name__") if frame is not None else module_of(code)
    return dotted(module, name)


def dotted(module: object, name: str) -> str:
    return f"{module}.{name}"[:300] if isinstance(module, str) else name[:300]


def module_of(code: Any) -> str | None:
    """The module a finished coroutine's code came from, by its file; only asked when something is reported."""
    filename = getattr(code, "co_filename", None)
    for name, module in items_of(sys.modules):
        if type(module) is ModuleType and filename and module.__dict__.get("__file__") == filename:
            return name
    return None
