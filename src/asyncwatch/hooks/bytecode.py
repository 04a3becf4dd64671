"""Calls by name, read from bytecode: where a function calls something called so, and what becomes of the result.

An instruction's positions say which expression it belongs to, so what lies inside what is told without the source.
https://docs.python.org/3/reference/datamodel.html#codeobject.co_positions
"""

from __future__ import annotations

import dis
import functools
import opcode
from collections.abc import Iterator
from types import CodeType

from asyncwatch import plain
from asyncwatch.frames import RawFrame

# First line, first column, last line, last column (one past it), in the order in which they are compared.
Span = tuple[int, int, int, int]

# What these are given runs, unless they fail.
TAKERS = frozenset(
    {"Task", "as_completed", "create_task", "ensure_future", "gather", "run", "run_coroutine_threadsafe"}
    | {"run_until_complete", "shield", "start_soon", "wait", "wait_for"}
)
_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT")
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
_CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})
_STORES = frozenset({"STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"})
_LOOKUPS = frozenset({"__dict__", "attrgetter", "getattr", "globals", "locals", "methodcaller", "vars"})
_ENDS = ("RETURN", "RERAISE")
_SKIPPED = frozenset({"EXTENDED_ARG", "NOP", "NOT_TAKEN"})
_CACHE = opcode.opmap.get("CACHE", 0)


@plain.record
class Call:
    """One call; `attribute` when what it calls is one of something.

    `taken` when it is an argument of what runs coroutines, `kept` is the variable that its statement sets, which is
    `unused` when nothing ever reads it.
    """

    name: str
    code: CodeType
    offset: int
    attribute: bool
    span: Span
    awaited: bool
    popped: bool
    taken: bool
    kept: str | None
    unused: bool

    @property
    def raw(self) -> RawFrame:
        return self.code, self.offset

    @property
    def line(self) -> tuple[str, int]:
        return self.code.co_filename, self.span[0]


def inside(inner: Span, outer: Span) -> bool:
    """Whether an expression is part of another, or the same."""
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def instruction_at(code: CodeType, lasti: int) -> int:
    """The offset of an instruction, where the interpreter may stand in the caches behind it (3.11)."""
    raw = code.co_code
    while lasti > 0 and raw[lasti] == _CACHE:
        lasti -= 2
    return lasti


def name_at(code: CodeType, lasti: int) -> str:
    """The name of the instruction that stands there; empty before the first."""
    return opcode.opname[code.co_code[instruction_at(code, lasti)]] if lasti >= 0 else ""


def inner_codes(code: CodeType) -> Iterator[CodeType]:
    """The functions, lambdas and comprehensions in a function's body, at any depth."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from inner_codes(one)


def _span(step: dis.Instruction) -> Span | None:
    place = step.positions
    if place is None or None in place:
        return None
    # Declared in another order: line, end line, column, end column.
    return place[0], place[2], place[1], place[3]  # type: ignore[return-value]


@functools.lru_cache(maxsize=1024)
def spans(code: CodeType) -> dict[int, Span]:
    """The expression that each instruction belongs to, by offset."""
    found = ((step.offset, _span(step)) for step in dis.get_instructions(code))
    return {offset: span for offset, span in found if span is not None}


def span_at(code: CodeType, lasti: int) -> Span | None:
    """The expression or statement that this instruction belongs to."""
    return spans(code).get(instruction_at(code, lasti)) if lasti >= 0 else None


@functools.lru_cache(maxsize=1024)
def calls(code: CodeType) -> tuple[Call, ...]:
    """All calls in a function of what has a name, in the order of its code; not those in functions inside it."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SKIPPED]
    places = spans(code)
    found: list[tuple[int, str, Span]] = []
    named: dict[tuple[int, int], str | None] = {}
    latest: dict[tuple[int, int], bool] = {}
    attributes: set[int] = set()
    for at, step in enumerate(steps):
        span = places.get(step.offset)
        if span is None:
            continue
        if step.opname.startswith(_LOADS) or step.opname in _ATTRIBUTES:
            named[span[:2]] = step.argval if isinstance(step.argval, str) else None
            latest[span[:2]] = step.opname in _ATTRIBUTES
        elif step.opname in _CALLS:
            name = named.pop(span[:2], None)
            if name is not None:
                found.append((at, name, span))
                attributes |= {at} if latest[span[:2]] else set()
    return tuple(_call(code, steps, places, one, found, attribute=one[0] in attributes) for one in found)


def _call(
    code: CodeType,
    steps: list[dis.Instruction],
    places: dict[int, Span],
    one: tuple[int, str, Span],
    others: list[tuple[int, str, Span]],
    *,
    attribute: bool,
) -> Call:
    at, name, span = one
    after = steps[at + 1].opname if at + 1 < len(steps) else ""
    around = [(other, its) for _, other, its in others if its != span and inside(span, its)]
    holder = max(around, key=lambda pair: (pair[1][:2], (-pair[1][2], -pair[1][3])))[0] if around else ""
    kept = _kept(steps[at + 1 :], places, span)
    return Call(
        name,
        code,
        steps[at].offset,
        attribute,
        span,
        awaited=after == "GET_AWAITABLE",
        popped=after == "POP_TOP",
        taken=holder in TAKERS,
        kept=kept,
        unused=kept is not None and not any(_reads(step, kept) for step in steps),
    )


def _reads(step: dis.Instruction, variable: str) -> bool:
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return step.opname.startswith(("LOAD_", "STORE_FAST_LOAD", "MAKE_CELL")) and variable in names


def _kept(after: list[dis.Instruction], places: dict[int, Span], span: Span) -> str | None:
    """The variable of an assignment around this expression: the next stored to, written before it in the source."""
    end = next((step for step in after if step.opname in _STORES or step.opname.startswith(_ENDS)), None)
    target = places.get(end.offset) if end is not None and end.opname in _STORES else None
    return str(end.argval) if end is not None and target is not None and target[2:] <= span[:2] else None


def loads_without_call(code: CodeType, name: str) -> bool:
    """Whether a function uses a name otherwise than to call it: then anybody may call what it stands for."""
    uses = sum(
        bool(step.argval == name)
        for step in dis.get_instructions(code)
        if step.opname.startswith(_LOADS) or step.opname in _ATTRIBUTES
    )
    called = sum(call.name == name for call in calls(code))
    return uses > called


def spells(code: CodeType, name: str) -> bool:
    """Whether a function has a name, or its start, as a string, and looks things up: `getattr(self, "on_" + kind)`."""
    if _LOOKUPS.isdisjoint(code.co_names):
        return False
    texts = (text for text in code.co_consts if type(text) is str)
    return any(text == name or (len(text) > 1 and name.startswith(text)) for text in texts)
