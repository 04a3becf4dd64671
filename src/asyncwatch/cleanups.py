"""What a function still has to do when it is ended at an instruction: the `with` and `try` around it, read from code.

https://docs.python.org/3/library/dis.html#opcode-PUSH_EXC_INFO
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator
from types import CodeType

# What an `except` clause would have to name to hear of a generator that is closed, or of a task that is cancelled.
_ENDINGS = frozenset({"BaseException", "CancelledError", "GeneratorExit", "get_cancelled_exc_class"})
# What stands between the start of a handler and the check of the exception: the classes are named.
_NAMING = ("LOAD_", "BUILD_TUPLE", "NOP", "EXTENDED_ARG", "PUSH_NULL", "PRECALL", "CALL", "RESUME")


@functools.lru_cache(maxsize=512)
def keeps_open(code: CodeType, lasti: int) -> bool:
    """Whether this instruction is inside a `with` or a `try`: something may be to be done when it is ended."""
    return any(True for _ in _handlers(code, lasti))


@functools.lru_cache(maxsize=512)
def has_cleanup(code: CodeType, lasti: int) -> bool:
    """Whether something is to be done if it is ended there: a `with`, a `finally`, an `except` that hears of it."""
    return any(_hears_of_the_end(handler) for handler in _handlers(code, lasti))


def _handlers(code: CodeType, lasti: int) -> Iterator[list[dis.Instruction]]:
    """The code of each handler around an instruction, innermost first."""
    bytecode = dis.Bytecode(code)
    steps = list(bytecode)
    places = {step.offset: number for number, step in enumerate(steps)}
    entries = bytecode.exception_entries  # type: ignore[attr-defined]
    offset: int | None = lasti
    seen: set[int] = set()
    while offset is not None and offset not in seen:
        seen.add(offset)
        # An `await` has a handler of its own, which stands under the one around it.
        offset = next((entry.target for entry in entries if entry.start <= offset < entry.end), None)
        if offset is not None and offset in places and steps[places[offset]].opname == "PUSH_EXC_INFO":
            yield steps[places[offset] :]


def _hears_of_the_end(handler: list[dis.Instruction]) -> bool:
    names: set[object] = set()
    for step in handler[1:]:
        if step.opname.startswith(_NAMING):
            names.add(step.argval)
            continue
        # `except ValueError:` lets it pass; what else there is in a handler runs at any end.
        return step.opname != "CHECK_EXC_MATCH" or not names.isdisjoint(_ENDINGS)
    return True
