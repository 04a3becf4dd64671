"""`Instrument`: what a program implements to hear of every task, step and wait of a loop. trio's interface for asyncio.

The names and their meaning are those of `trio.abc.Instrument`, so an instrument that treats a task as something to
tell from others works for both. https://trio.readthedocs.io/en/stable/reference-lowlevel.html#instrument-api
"""

from __future__ import annotations

import asyncio
import inspect
import types
from collections.abc import Callable
from typing import Any


class Instrument:
    """The hooks, each of which does nothing here. What is not overridden is never called and costs nothing.

    An instrument need not inherit from this class. Its methods are looked up once, when it is added.

    The hooks run on the loop's thread, in the middle of its work: what they do, the program waits for. A hook that
    raises removes its instrument; that is said as AW001, and the program goes on.

    Three things are otherwise than in trio. `asyncio.current_task()` need not be the task that a hook is about: take
    the argument. Steps nest: an eager task is created and makes its first step inside the step of another. And a task
    is freed by nobody holding it: an instrument that keeps tasks keeps them alive, where a weak reference does not.
    """

    __slots__ = ()

    def before_run(self) -> None:
        """The loop is used for the first time: called before any other hook. Not called for one that runs already."""

    def after_run(self) -> None:
        """The loop is about to be closed, as `asyncio.run` does just before it returns. It is not running any more."""

    def task_spawned(self, task: asyncio.Task[Any]) -> None:
        """A task was created. An eager one that never suspends has its whole life inside `create_task`.

        It may have no name yet: uvloop, and Python for eager tasks, give it when they have made it.
        """

    def task_scheduled(self, task: asyncio.Task[Any]) -> None:
        """A task became runnable; it may be some time before it runs. An eager task's first step is not scheduled."""

    def before_task_step(self, task: asyncio.Task[Any]) -> None:
        """A task is about to run until its next suspension."""

    def after_task_step(self, task: asyncio.Task[Any]) -> None:
        """A task has suspended or ended."""

    def task_exited(self, task: asyncio.Task[Any]) -> None:
        """A task is done; called before `after_task_step` of its last step.

        One that ended in its eager first step has no coroutine any more: `get_coro()` is None, and from Python 3.12.0
        to 3.12.4 asking for it crashes the interpreter (https://github.com/python/cpython/issues/122332).
        """

    def before_io_wait(self, timeout: float) -> None:
        """The loop is about to wait for `timeout` seconds at most: 0 only to poll, `math.inf` for as long as it takes.

        Only where the loop waits in Python: asyncio's own loops, not uvloop.
        """

    def after_io_wait(self, timeout: float) -> None:
        """The loop has waited; `timeout` is what it was before."""

    def before_callback(self, callback: Callable[..., object]) -> None:
        """A callback that is no task's step is about to run: `call_soon`, a timer, a descriptor that is ready.

        trio has no such thing. Only on asyncio's own loops, not on uvloop.
        """

    def after_callback(self, callback: Callable[..., object]) -> None:
        """The callback has returned, or raised."""


HOOKS = tuple(name for name in vars(Instrument) if not name.startswith("_"))


def implemented(instrument: object) -> dict[str, Callable[..., object]]:
    """The hooks that this instrument implements, by name.

    Raises:
        TypeError: a hook is a coroutine function, which nobody would await.
        Exception: whatever looking one up raises.
    """
    found = {}
    there = set(dir(instrument))
    for name in HOOKS:
        if name not in there:
            continue
        method = getattr(instrument, name)
        if isinstance(method, types.MethodType) and method.__func__ is getattr(Instrument, name):
            continue
        if inspect.iscoroutinefunction(method):
            raise TypeError(f"{name} of {type(instrument).__qualname__} is a coroutine function; hooks are called")
        found[name] = method
    return found
