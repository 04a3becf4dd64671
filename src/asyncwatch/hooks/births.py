"""Eager tasks: their first step is made inside `create_task`, before anybody has the new task in hand.

The moment of that step is had from the interpreter: the coroutine's own code is marked (`sys.monitoring`, 3.12 and
later, as eager tasks are) for the length of the one `create_task`, and says when it begins to run; the current task is
the new one then. The coroutine itself is passed on as it is.
https://docs.python.org/3/library/sys.monitoring.html
https://github.com/python/cpython/blob/3.13/Modules/_asynciomodule.c (task_eager_start)
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from types import CodeType
from typing import Any

from asyncwatch import env
from asyncwatch.env import MONITORING
from asyncwatch.hooks import tools
from asyncwatch.hooks.hooked import Hooked, has_begun, is_task

NAME = "asyncwatch births"
POSSIBLE = MONITORING is not None


class Birth:
    """One call of `create_task` that may make a step."""

    def __init__(self, hooked: Hooked, loop: Any, coro: Any, code: CodeType) -> None:
        self.hooked = hooked
        self.loop = loop
        self.coro = coro
        self.code = code
        self.ident = threading.get_ident()
        self.task: Any = None

    def begins(self, task: Any) -> None:
        """The first step begins."""
        self.task = task
        self.hooked.spawned(task)
        self.hooked.before_step(task)


class Births:
    """The calls of `create_task` that go on, and the tool that is told of first steps."""

    def __init__(self, fail: Callable[[Exception], None]) -> None:
        self._fail = fail
        self._open: list[Birth] = []
        self._current = env.current_task_getter()
        self._tool: int | None = None

    def close(self) -> None:
        """Give the tool's number back."""
        if self._tool is not None:
            tool, self._tool = self._tool, None
            tools.release(tool, [birth.code for birth in self._open], (MONITORING.events.PY_START,))

    def wrap(self, original: Callable[..., Any], table: dict[int, Hooked]) -> Callable[..., Any]:
        """The replacement for a loop class's own `create_task`, below that which keeps the ledger."""

        @functools.wraps(original)
        def create_task(self: Any, coro: Any, **kwargs: Any) -> Any:
            hooked = table.get(id(self))
            if hooked is None or not (kwargs.get("eager_start") or self.get_task_factory()):
                return original(self, coro, **kwargs)
            return births.watched(hooked, self, coro, functools.partial(original, self, coro, **kwargs))

        births = self
        return create_task

    def watched(self, hooked: Hooked, loop: Any, coro: Any, create: Callable[[], Any]) -> Any:
        """Create a task, and tell of the step it may make meanwhile."""
        birth = self._expect(hooked, loop, coro)
        task = None
        try:
            task = create()
            return task
        finally:
            try:
                self._over(birth, hooked, task)
            finally:
                del task, birth  # no cycle from a traceback to the task

    def _over(self, birth: Birth | None, hooked: Hooked, task: Any) -> None:
        if birth is not None:
            self._open.remove(birth)
            if all(other.code is not birth.code for other in self._open):
                self._mark(birth.code, on=False)
            if birth.task is not None:
                hooked.after_step(birth.task)
                return
        if is_task(task) and hooked.wants("task_spawned", "task_exited"):
            self._unseen(hooked, task)

    def _unseen(self, hooked: Hooked, task: Any) -> None:
        """Its coroutine cannot be marked, or is another than was given: an eager step of it was not seen."""
        begun = has_begun(env.coro_of(task))
        if task.done() or begun or (begun is None and hooked.is_new(task)):
            hooked.spawned(task)
            if task.done():
                hooked.tell("task_exited", task)

    # -- the interpreter's side --

    def _expect(self, hooked: Hooked, loop: Any, coro: Any) -> Birth | None:
        code = getattr(coro, "cr_code", None)
        try:
            if not isinstance(code, CodeType) or not self._has_tool():
                return None
            birth = Birth(hooked, loop, coro, code)
            self._open.append(birth)
            self._mark(code, on=True)
            return birth
        except Exception as error:
            self._fail(error)
            return None

    def _has_tool(self) -> bool:
        if self._tool is None and not why_blind():
            self._tool = tools.take(NAME, {MONITORING.events.PY_START: self._starts})  # or another watcher has it
        return self._tool is not None

    def _mark(self, code: CodeType, *, on: bool) -> None:
        if self._tool is not None:
            events = MONITORING.events.PY_START if on else 0
            MONITORING.set_local_events(self._tool, code, events)

    def _starts(self, code: CodeType, offset: int) -> None:
        """Runs inside the coroutine's frame, at its first instruction."""
        ident = threading.get_ident()
        for birth in reversed(self._open):
            if birth.task is None and birth.code is code and birth.ident == ident:
                task = self._current(birth.loop)
                if is_task(task) and env.coro_of(task) is birth.coro:
                    birth.begins(task)
                return


def why_blind() -> str:
    """Why first steps of eager tasks cannot be told of; empty where they can, and where there are none."""
    if not POSSIBLE:
        return ""
    return "" if tools.is_to_be_had(NAME) else f"first steps of eager tasks: {tools.WHY_NONE}"
