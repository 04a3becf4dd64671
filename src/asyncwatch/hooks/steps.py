"""What is replaced so that instruments hear of steps, callbacks and waits. Each replacement passes on what is no
loop of its table's.

asyncio's own tasks schedule each of their steps by calling the loop's `call_soon`, found by name.
https://github.com/python/cpython/blob/3.13/Modules/_asynciomodule.c (call_soon)
https://github.com/MagicStack/uvloop/blob/v0.21.0/uvloop/loop.pyx (Loop.call_soon)
"""

from __future__ import annotations

import functools
import math
import weakref
from asyncio import base_events
from collections.abc import Callable
from typing import Any

from asyncwatch.hooks.hiding import hide_own_frames
from asyncwatch.hooks.hooked import Hooked, hide_own_frame, task_of

_MARK = "_asyncwatch"


class Step:
    """A task's step on a loop that runs its handles in C. It looks like the step it stands for."""

    __slots__ = ("__self__", "_hooked", "_step")

    def __init__(self, step: Any, task: Any, hooked: Hooked) -> None:
        self._step = step
        self.__self__ = task
        self._hooked = hooked

    def __call__(self, *args: Any) -> None:
        try:
            self._hooked.step(self.__self__, self._step, *args)
        except BaseException as error:
            hide_own_frame(error)
            raise
        finally:
            del self, args  # see there

    def __repr__(self) -> str:
        return repr(self._step)


def wrap_call_soon(original: Callable[..., Any], table: dict[int, Hooked]) -> Callable[..., Any]:
    """The replacement for a loop class's `call_soon`."""

    @functools.wraps(original)
    def call_soon(self: Any, callback: Any, *args: Any, **kwargs: Any) -> Any:
        hooked = table.get(id(self))
        if hooked is None:
            return original(self, callback, *args, **kwargs)
        if not hooked.begun:
            hooked.begin()
        task = task_of(callback)
        step = callback if task is None or not hooked.foreign else Step(callback, task, hooked)
        try:
            handle = original(self, step, *args, **kwargs)
        except BaseException as error:
            hide_own_frame(error)
            raise
        if task is not None:
            hooked.scheduled(task, callback)
        if getattr(handle, "_source_traceback", None):
            hide_own_frames(handle._source_traceback)
        return handle

    return call_soon


def wrap_run(original: Callable[[Any], None], table: dict[int, Hooked]) -> Callable[[Any], None]:
    """The replacement for `Handle._run`."""

    @functools.wraps(original)
    def _run(self: Any) -> None:
        hooked = table.get(id(self._loop))
        if hooked is None or hooked.foreign:
            return original(self)
        if hooked.unfinished is not None:
            hooked.finish()
        callback = self._callback
        task = task_of(callback)
        try:
            if task is not None:
                hooked.step(task, original, self)
            elif hooked.before_callback or hooked.after_callback:
                hooked.callback(callback, original, self)
            else:
                original(self)
        except BaseException as error:
            hide_own_frame(error)
            raise
        finally:
            del self, callback, task  # see `Hooked.step`

    return _run


def is_foreign(loop: Any) -> bool:
    """Whether a loop's handles and waiting are not asyncio's own."""
    return not isinstance(loop, base_events.BaseEventLoop)


def watch_selector(loop: Any, hooked: Hooked) -> None:
    """Stand in front of the loop's own selector, of this one object alone."""
    selector = getattr(loop, "_selector", None)
    if selector is None or hooked.foreign or "select" in vars(selector):
        return
    original, ref = type(selector).select, weakref.ref(selector)

    def select(timeout: float | None = None) -> Any:
        if hooked.unfinished is not None:
            hooked.finish()
        seconds = math.inf if timeout is None else timeout
        try:
            hooked.tell("before_io_wait", seconds)
            return original(ref(), timeout)
        finally:
            hooked.tell("after_io_wait", seconds)

    setattr(select, _MARK, True)
    selector.select = select


def unwatch_selector(loop: Any) -> None:
    """Put the selector's own method back."""
    selector = getattr(loop, "_selector", None)
    if selector is not None and hasattr(getattr(selector, "__dict__", {}).get("select"), _MARK):
        del selector.select
