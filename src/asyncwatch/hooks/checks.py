"""What asyncio asks of every callback in debug mode, for less: whether it is a coroutine, or a function that makes one.

asyncio's answer takes a dozen calls of Python, at each `call_soon`. Of a plain function, a method and what C code makes
it can be seen at a glance; every other kind, and everything that is to be refused, is asyncio's own to judge.
https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py (_check_callback)
https://github.com/python/cpython/blob/3.13/Lib/inspect.py (iscoroutinefunction, markcoroutinefunction)
"""

from __future__ import annotations

import functools
import inspect
from asyncio import base_events
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from asyncwatch.hooks.hiding import hide_own_entry
from asyncwatch.hooks.patch import Patches

NAME = "_check_callback"
# What asyncio's own method uses; where it uses something else it asks something else.
_USES = {"coroutines", "iscoroutine", "iscoroutinefunction", "_iscoroutinefunction", "TypeError", "callable"}
# What makes a function one that is taken for a coroutine function, or for another's face.
_MARKS = "_is_coroutine", "_is_coroutine_marker", "__partialmethod__"


def patch(patches: Patches, cls: Any) -> None:
    """Replace the method of asyncio's own loops; others' loops, and other checks, are left alone."""
    original = vars(cls).get(NAME)
    if cls is not base_events.BaseEventLoop or type(original) is not FunctionType:
        return
    if _USES.issuperset(original.__code__.co_names):
        patches.set(cls, NAME, _wrap(original))


def _wrap(original: Callable[[Any, Any, str], None]) -> Callable[[Any, Any, str], None]:
    one, other, another = _MARKS
    kinds = {BuiltinFunctionType}
    flag, function, bound = inspect.CO_COROUTINE, FunctionType, MethodType

    @functools.wraps(original)
    def _check_callback(self: Any, callback: Any, method: str) -> None:
        kind = type(callback)
        if kind in kinds:
            return
        inner = callback.__func__ if kind is bound else callback
        if type(inner) is function:
            if not (
                inner.__code__.co_flags & flag
                or getattr(inner, one, None) is not None
                or getattr(inner, other, None) is not None
                or getattr(inner, another, None) is not None
            ):
                return
        elif kind.__name__ == "TaskStepMethWrapper" and kind.__module__ in ("builtins", "_asyncio"):
            kinds.add(kind)  # a task's step
            return
        try:
            original(self, callback, method)
        except BaseException as error:
            hide_own_entry(error)
            raise

    return _check_callback
