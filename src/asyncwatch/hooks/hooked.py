"""One loop's instruments: for each hook those that implement it, called one after the other whatever they raise."""

from __future__ import annotations

import asyncio
import weakref
from asyncio import base_events, tasks
from collections.abc import Callable
from types import BuiltinFunctionType, MethodType
from typing import Any, Protocol

from asyncwatch import env
from asyncwatch.instrument import HOOKS

# One hook of one instrument.
Hook = tuple[object, Callable[..., object]]


class Owner(Protocol):
    """Who keeps the instruments."""

    def fault(self, instrument: object, name: str, error: BaseException) -> None:
        """A hook raised."""

    def broken(self, error: Exception) -> None:
        """Something of ours raised."""

    def begins(self) -> None:
        """A loop is used for the first time."""


_PY_TASK: Any = tasks._PyTask  # type: ignore[attr-defined]
_PY_STEP: Any = _PY_TASK._Task__step
_PY_WAKEUP: Any = _PY_TASK._Task__wakeup
_TASKS = (asyncio.Task, _PY_TASK)


def task_of(callback: Any) -> Any:
    """The task of which this callback is a step; None for any other callback.

    A step is scheduled as an object of a type of its own, or as the wake-up that the awaited future calls.
    https://github.com/python/cpython/blob/3.13/Modules/_asynciomodule.c (TaskStepMethWrapper, TaskWakeupDef)
    """
    kind = type(callback)
    if kind is BuiltinFunctionType:
        return callback.__self__ if callback.__name__ == "task_wakeup" else None
    if kind is MethodType:
        return callback.__self__ if callback.__func__ in (_PY_STEP, _PY_WAKEUP) else None
    return callback.__self__ if kind.__name__ == "TaskStepMethWrapper" else None


def is_task(thing: Any) -> bool:
    return isinstance(thing, _TASKS)


def has_begun(coro: Any) -> bool | None:
    """Whether a coroutine has made its first step; None where it does not tell, as one that is no Python code."""
    for prefix in ("cr", "gi"):
        suspended = getattr(coro, f"{prefix}_suspended", None)
        if suspended is not None:
            return bool(suspended or getattr(coro, f"{prefix}_running") or getattr(coro, f"{prefix}_frame") is None)
    return None


def hide_own_frame(error: BaseException) -> None:
    """Called where an exception of the program's passes: its traceback goes on without the frame that calls this."""
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


class Hooked:
    """The hooks that are implemented on one loop, each a tuple that is replaced and never changed."""

    before_run: tuple[Hook, ...]
    after_run: tuple[Hook, ...]
    task_spawned: tuple[Hook, ...]
    task_scheduled: tuple[Hook, ...]
    before_task_step: tuple[Hook, ...]
    after_task_step: tuple[Hook, ...]
    task_exited: tuple[Hook, ...]
    before_io_wait: tuple[Hook, ...]
    after_io_wait: tuple[Hook, ...]
    before_callback: tuple[Hook, ...]
    after_callback: tuple[Hook, ...]

    def __init__(self, loop: Any, owner: Owner, gone: Callable[[weakref.ref[Any]], None]) -> None:
        self.ref = weakref.ref(loop, gone)
        # Its handles are not ours to see run: a step must be replaced where it is scheduled.
        self.foreign = not isinstance(loop, base_events.BaseEventLoop)
        self.begun = bool(loop.is_running())
        self._owner = owner
        # The task that was in a step when the first instrument came, which nothing of ours is around.
        self.unfinished: weakref.ref[Any] | None = None
        # Tasks that were told of, of those whose coroutine does not say that it has begun.
        self._told: weakref.WeakSet[Any] = weakref.WeakSet()
        self.set({})

    def set(self, hooks: dict[str, tuple[Hook, ...]]) -> None:
        """Replace all hooks."""
        for name in HOOKS:
            setattr(self, name, hooks.get(name, ()))

    def wants(self, *names: str) -> bool:
        return any(getattr(self, name) for name in names)

    def tell(self, name: str, *args: Any) -> None:
        """Call one hook of all instruments that have it."""
        for instrument, hook in getattr(self, name):
            try:
                hook(*args)
            except BaseException as error:
                self.fault(instrument, name, error)

    def fault(self, instrument: object, name: str, error: BaseException) -> None:
        """An instrument raised. Ctrl-C in the middle of it is the program's and goes on to it."""
        if isinstance(error, KeyboardInterrupt):
            raise error
        self._owner.fault(instrument, name, error)

    def begin(self) -> None:
        """The loop is used for the first time."""
        if not self.begun:
            self.begun = True
            self.tell("before_run")
            self._owner.begins()

    def end(self) -> None:
        """The loop is about to be closed."""
        if self.begun:
            self.begun = False
            self.finish()
            self.tell("after_run")

    def spawned(self, task: Any) -> None:
        """A new task is known."""
        self.begin()
        if self.task_spawned:
            if has_begun(env.coro_of(task)) is None:
                self._told.add(task)
            self.tell("task_spawned", task)

    def scheduled(self, task: Any, callback: Any) -> None:
        """A step of a task was scheduled; the first makes it known."""
        try:
            if self.task_spawned and type(callback) is not BuiltinFunctionType and self.is_new(task):
                self.spawned(task)
            for instrument, hook in self.task_scheduled:
                try:
                    hook(task)
                except BaseException as error:
                    self.fault(instrument, "task_scheduled", error)
        except Exception as error:
            self._owner.broken(error)

    def is_new(self, task: Any) -> bool:
        """Whether nobody can have been told of a task that is not done."""
        begun = has_begun(env.coro_of(task))
        return task not in self._told if begun is None else not begun

    def step(self, task: Any, run: Callable[..., Any], *args: Any) -> None:
        """One step of a task, around which the hooks are called. The step is made whatever they do.

        An exception's traceback keeps the frames that stood above it, with what they hold: as in asyncio's own
        `Handle._run` nothing is left in this one, or a task that failed would be kept by its own exception.
        """
        try:
            self.before_step(task)
        finally:
            try:
                run(*args)
            except BaseException as error:
                hide_own_frame(error)
                raise
            finally:
                self.after_step(task)
                del task, run, args

    def before_step(self, task: Any) -> None:
        """A step is about to be made."""
        try:
            for instrument, hook in self.before_task_step:
                try:
                    hook(task)
                except BaseException as error:
                    self.fault(instrument, "before_task_step", error)
        except Exception as error:
            self._owner.broken(error)

    def after_step(self, task: Any) -> None:
        """A step was made."""
        try:
            if self.task_exited and task.done():
                self.tell("task_exited", task)
            for instrument, hook in self.after_task_step:
                try:
                    hook(task)
                except BaseException as error:
                    self.fault(instrument, "after_task_step", error)
        except Exception as error:
            self._owner.broken(error)

    def finish(self) -> None:
        """Something else runs on the loop: the step in which the first instrument came is over."""
        task = self.unfinished() if self.unfinished is not None else None
        self.unfinished = None
        if task is not None:
            self.after_step(task)

    def callback(self, callback: Any, run: Callable[..., Any], *args: Any) -> None:
        """A callback that is no step."""
        try:
            self.tell("before_callback", callback)
        finally:
            try:
                run(*args)
            except BaseException as error:
                hide_own_frame(error)
                raise
            finally:
                self.tell("after_callback", callback)
                del callback, run, args


STEP_CODE = Hooked.step.__code__
