"""Calls seen by `sys.monitoring` (Python 3.12 and later): nothing is wrapped, and no frame of ours is on any stack.

A marked function, or one of the standard library's Python code, has the event of its start switched on, in its own
code object only. Functions of C code are seen at the instruction that calls them: each is looked at once, and unless
it called a function of a blocking kind its event is switched off there for good, which costs nothing from then on.
https://docs.python.org/3/library/sys.monitoring.html
https://github.com/python/cpython/blob/3.12/Python/instrumentation.c
"""

from __future__ import annotations

import sys
from asyncio import _get_running_loop
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any

from asyncwatch import env, marks
from asyncwatch.blocking_calls import NATIVE, PYTHON, Call
from asyncwatch.hooks import tools
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.calls import Calls
from asyncwatch.hooks.stacks import ASYNCIO

PART = "hooks.monitor"
TOOL = "asyncwatch calls"

_C_KINDS = frozenset({BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType})


class Monitor:
    """One tool's id, taken when it is first needed. `why` it could not be had."""

    def __init__(self, bus: Bus, calls: Calls) -> None:
        self._bus, self._calls = bus, calls
        self._monitoring: Any = env.MONITORING
        self._id: int | None = None
        self.why = "" if env.MONITORING is not None else env.WHY_NO_MONITORING
        self._starts: dict[int, tuple[CodeType, Call]] = {}
        self._native: dict[Any, Call] = {}
        self._pending: frozenset[str] = frozenset()
        self._marked: list[CodeType] = []

    # -- what is watched --

    def watch_marks(self) -> None:
        """Hear of every marked function, those to come included."""
        if self._monitoring is not None:
            for code in marks.codes():
                self.mark(code)

    def mark(self, code: CodeType) -> None:
        """Hear when this function starts."""
        if self._take():
            self._marked.append(code)
            self._monitoring.set_local_events(self._id, code, self._monitoring.events.PY_START)

    def watch_calls(self) -> bool:
        """Hear of the calls that the table names; False if that cannot be had."""
        if not self._take():
            return False
        for call in PYTHON:
            function = find(call.name)
            if isinstance(function, FunctionType):
                self._starts[id(function.__code__)] = function.__code__, call
                self._monitoring.set_local_events(self._id, function.__code__, self._monitoring.events.PY_START)
        self.find_natives()
        self._monitoring.set_events(self._id, self._monitoring.events.CALL)
        # A place that another tool's, or an earlier watcher's, use of this id switched off.
        self._monitoring.restart_events()
        return True

    def find_natives(self) -> None:
        """Look the functions of C code up, in the modules that are there by now."""
        pending = set()
        for call in NATIVE:
            function = None if env.SLEEP_IS_AUDITED and call.name == "time.sleep" else find(call.name)
            if type(function) in _C_KINDS:
                self._native[function] = call
            elif call.name.partition(".")[0] not in sys.modules:
                pending.add(call.name.partition(".")[0])
        self._pending = frozenset(pending)

    def _came_late(self, module: Any) -> bool:
        """Whether a function's module was imported since, and has functions that are looked for."""
        if module not in self._pending:
            return False
        self.find_natives()
        return True

    def _take(self) -> bool:
        if self._id is not None or self._monitoring is None:
            return self._id is not None
        events = self._monitoring.events
        self._id = tools.take(TOOL, {events.PY_START: self._started(), events.CALL: self._called()})
        if self._id is None:
            self.why = tools.WHY_NONE
        return self._id is not None

    def uninstall(self) -> None:
        """Switch every event off and give the id back."""
        if self._id is None:
            return
        tool, self._id = self._id, None
        codes = [*self._marked, *(code for code, _ in self._starts.values())]
        tools.release(tool, codes, (self._monitoring.events.PY_START, self._monitoring.events.CALL))
        self._marked.clear()
        self._starts.clear()
        self._native.clear()

    # -- what the interpreter calls --

    def _started(self) -> Callable[[CodeType, int], Any]:
        starts, marked, calls, running = self._starts, marks.marked, self._calls, _get_running_loop
        getframe = sys._getframe

        def started(code: CodeType, offset: int) -> None:
            if running() is None:
                return
            try:
                mark = marked.get(id(code))
                frame = getframe(1)
                if mark is not None:
                    calls.marked(mark, frame.f_back, code)
                    return
                known = starts.get(id(code))
                if known is not None:
                    given = frame.f_locals
                    first = given.get(code.co_varnames[0]) if code.co_argcount else None
                    calls.blocked(known[1], first, frame, given)
            except Exception as error:
                self._bus.fail(PART, error)

        return started

    def _called(self) -> Callable[[CodeType, int, Any, Any], Any]:
        native, calls, running, kinds = self._native, self._calls, _get_running_loop, _C_KINDS
        off, getframe, bus = self._monitoring.DISABLE, sys._getframe, self._bus

        def called(code: CodeType, offset: int, function: Any, first: Any) -> Any:
            try:
                if type(function) not in kinds:
                    return off
                call = native.get(function)
                if call is None:
                    bound = getattr(function, "__self__", None)
                    owner = getattr(function, "__objclass__", None) if bound is None else type(bound)
                    if bound is not None and owner is not ModuleType:
                        call, first = native.get(getattr(owner, function.__name__, None)), bound
                    if call is None and self._came_late(getattr(owner or function, "__module__", None)):
                        call = native.get(function)
                    if call is None:
                        # The next that is read or written here, after this StringIO, may be a file.
                        return None if getattr(owner, "__module__", None) == "_io" else off
                if running() is not None:
                    if code.co_filename.startswith(ASYNCIO):
                        return off
                    calls.blocked(call, first, getframe(1))
            except Exception as error:
                bus.fail(PART, error)
            return None

        return called


def find(name: str) -> Any:
    """A function by its public name, if its module was imported; None where there is none."""
    parts = name.replace("threading.Lock.", "_thread.LockType.").split(".")  # a function before 3.13
    found: Any = sys.modules.get(parts[0])
    for part in parts[1:]:
        found = getattr(found, part, None)
    return found
