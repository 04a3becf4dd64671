"""Where a coroutine that never ran was created, found afterwards: in the code that can have called its function.

Nothing is recorded when a coroutine is made. The instruction that dropped it stands in an expression, and what was
created in that expression, or in the function that this expression called, is what it dropped. Failing that, a program
with one call of the function that neither is awaited nor throws its result away on the spot has no other place for it.
Where several places are left, none is named.
"""

from __future__ import annotations

import dis
from collections.abc import Iterable, Iterator
from types import CodeType

from asyncwatch import plain
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.bytecode import (
    Call,
    calls,
    inner_codes,
    inside,
    instruction_at,
    loads_without_call,
    name_at,
    span_at,
    spells,
)
from asyncwatch.hooks.functions import Functions

MOST_CANDIDATES = 5
_VARIABLES = ("STORE_FAST", "DELETE_FAST", "STORE_DEREF", "DELETE_DEREF", "STORE_NAME", "DELETE_NAME")


@plain.record
class Dropped:
    """What is known of a coroutine that is gone.

    `ended` is the function of the task whose last step ended with it, when no frame of that is left.
    """

    name: str
    qualname: str
    code: CodeType
    stack: tuple[RawFrame, ...]
    ended: CodeType | None = None


@plain.record
class Origin:
    """The stacks at the creations, innermost first: one, or one for each of so many dropped at once; else candidates.

    `definition` is the function whose author forgot it: not the wrapper that a decorator put around it.
    """

    definition: CodeType
    created: tuple[tuple[RawFrame, ...], ...] = ()
    candidates: tuple[RawFrame, ...] = ()


class Search:
    """The search for one coroutine's place of creation; `times` it was dropped at the same place at the same time."""

    def __init__(self, dropped: Dropped, functions: Functions, times: int = 1) -> None:
        self._dropped = dropped
        self._functions = functions
        self._times = times
        own = (dropped.qualname, dropped.code)
        self._names = {dropped.name, *functions.names.get(own, ())}
        self._definition = functions.wrapped.get(own, dropped.code)

    def origin(self) -> Origin:
        """The places, as far as they can be told."""
        stack = self._dropped.stack
        if stack:
            found = self._in_expression() or self._in_variable() or self._as_argument()
        else:
            ended = self._dropped.ended
            found = [(call, stack) for call in self._sites(ended) if _is_open(call)] if ended is not None else []
        origin = self._told(found)
        if origin.created or found:
            return origin
        everywhere = self._everywhere()
        if self._is_only_one(everywhere):
            return self._told([(call, ()) for call in everywhere])
        return Origin(self._definition, (), self._lines((call, ()) for call in everywhere))

    # -- where to look --

    def _in_expression(self) -> list[tuple[Call, tuple[RawFrame, ...]]]:
        """Calls in the expression at which it was dropped, and in the functions that this expression calls."""
        (code, lasti), *outer = self._dropped.stack
        span = span_at(code, lasti)
        if span is None:
            return []
        at = instruction_at(code, lasti)
        thrown_away = name_at(code, lasti) == "POP_TOP"
        here = [call for call in self._within(code, lasti) if not call.popped or (thrown_away and call.span == span)]
        found = [(call, self._outside(call, code, tuple(outer))) for call in here]
        called = {call.name for call in calls(code) if inside(call.span, span) and call.offset <= at}
        for other in self._named(called):
            found += [(call, self._dropped.stack) for call in self._sites(other) if _is_open(call)]
        return found if here or not any(map(self._is_doubtful, (call for call, _ in found))) else []

    def _named(self, names: set[str]) -> Iterator[CodeType]:
        """The program's functions that go by one of these names."""
        stack = [inner for code, _ in self._dropped.stack for inner in inner_codes(code)]
        found = dict.fromkeys(code for code, known in self._functions.codes.items() if known & names)
        found.update(dict.fromkeys(code for code in stack if code.co_name in names))
        found.pop(self._dropped.code, None)
        return iter(found)

    def _is_doubtful(self, call: Call) -> bool:
        """Whether it may call something else of that name, and what it returned may be in use elsewhere."""
        names = self._functions.codes
        shared = any(call.name in known for code, known in names.items() if code is not self._dropped.code)
        return call.attribute and shared and not call.unused

    def _in_variable(self) -> list[tuple[Call, tuple[RawFrame, ...]]]:
        """Calls whose result was kept in the variable that was set to something else, or deleted."""
        (code, lasti), *outer = self._dropped.stack
        if not name_at(code, lasti).startswith(_VARIABLES):
            return []
        variable = _variable(code, lasti)
        kept = [call for call in self._sites(code) if call.kept == variable and _is_open(call)]
        return [(call, tuple(outer)) for call in kept]

    def _as_argument(self) -> list[tuple[Call, tuple[RawFrame, ...]]]:
        """Calls among the arguments of a call that goes on, where the program has no other that fits."""
        stack = self._dropped.stack
        for number, (code, lasti) in enumerate(stack[1:], 1):
            found = [call for call in self._within(code, lasti) if not call.popped]
            if found:
                lines = {call.line for call in found}
                others = {call.line for call in self._everywhere() if not call.taken} - lines
                return [(call, stack[number + 1 :]) for call in found] if not others else []
        return []

    def _everywhere(self) -> list[Call]:
        codes = dict.fromkeys((*self._functions.codes, *(code for code, _ in self._dropped.stack)))
        found = [call for code in codes for call in self._sites(code, deep=code not in self._functions.codes)]
        return [call for call in found if _is_open(call)]

    def _is_only_one(self, found: list[Call]) -> bool:
        """Whether these are one line, and nobody else can have called the function: it is only used to be called."""
        if len({call.line for call in found}) != 1 or not self._functions.complete:
            return False
        if not self._functions.is_app_code(self._definition):
            return False  # a library may call what is its own
        if self._functions.is_used_elsewhere(self._dropped.qualname, self._dropped.code):
            return False
        every = self._functions.codes
        codes = [code for code in every if self._mentions(code)]
        if any(loads_without_call(code, name) for code in codes for name in self._names):
            return False
        return not any(spells(code, name) for code in every for name in self._names)

    # -- reading one function --

    def _sites(self, code: CodeType, *, deep: bool = True) -> Iterator[Call]:
        """Calls of the coroutine's function, by any of its names, that are not awaited on the spot."""
        for one in (code, *inner_codes(code)) if deep else (code,):
            closure = self._functions.closures.get(one, {})
            names = self._names | {free for free, inner in closure.items() if inner is self._dropped.code}
            if self._mentions(one) or len(names) > len(self._names):
                own = (call for call in calls(one) if call.name in names and not call.awaited)
                yield from (call for call in own if call.attribute or not self._is_another(call, closure))

    def _is_another(self, call: Call, closure: dict[str, CodeType]) -> bool:
        code = call.code
        local = call.name in closure or call.name in code.co_varnames + code.co_freevars + code.co_cellvars
        return not local and self._functions.stands_for_another(call.name, call.code, self._dropped.code)

    def _mentions(self, code: CodeType) -> bool:
        return not self._names.isdisjoint((*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars))

    def _within(self, code: CodeType, lasti: int) -> list[Call]:
        """Those in the expression that the instruction belongs to, and that have been called when it is reached."""
        span = span_at(code, lasti)
        at = instruction_at(code, lasti)
        return [
            call
            for call in self._sites(code)
            if span is not None and inside(call.span, span) and (call.code is not code or call.offset <= at)
        ]

    def _outside(self, call: Call, code: CodeType, outer: tuple[RawFrame, ...]) -> tuple[RawFrame, ...]:
        return outer if call.code is code else self._dropped.stack

    # -- what it comes to --

    def _told(self, found: list[tuple[Call, tuple[RawFrame, ...]]]) -> Origin:
        lines = {call.line: (call.raw, *outer) for call, outer in found}
        together = len({outer for _, outer in found}) == 1 and self._times % max(1, len(lines)) == 0
        if len(lines) == 1 or (lines and together):
            return Origin(self._definition, tuple(lines.values()))
        return Origin(self._definition, (), self._lines(found))

    def _lines(self, found: Iterable[tuple[Call, tuple[RawFrame, ...]]]) -> tuple[RawFrame, ...]:
        lines = {call.line: call.raw for call, _ in sorted(found, key=lambda pair: pair[0].taken)}
        return tuple(lines.values())[:MOST_CANDIDATES]


def _is_open(call: Call) -> bool:
    """Whether a coroutine from this call can still be there when its statement is over."""
    return not call.awaited and not call.popped


def _variable(code: CodeType, lasti: int) -> str:
    at = instruction_at(code, lasti)
    step = next((step for step in dis.get_instructions(code) if step.offset == at), None)
    return str(step.argval) if step is not None else ""
