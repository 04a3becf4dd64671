"""What a program logs about the task it is busy with: structlog's context variables and OpenTelemetry's current span.

Only what the program itself binds for its log lines is read, out of the context that the task keeps; the program's own
context variables are not looked at. Neither library is imported or called: structlog names its variables by a prefix,
and a span's ids are two numbers of a tuple.
https://github.com/hynek/structlog/blob/main/src/structlog/contextvars.py (STRUCTLOG_KEY_PREFIX)
https://github.com/open-telemetry/opentelemetry-python/blob/main/opentelemetry-api/src/opentelemetry/context/contextvars_context.py

It is read in whatever thread makes the event, while the task runs on: each look is one call of C code, and a value is
fetched only if its type is one of those that are shown, so that no object of the program can die in our thread.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from contextvars import Context, ContextVar
from itertools import compress, islice
from typing import Any

from asyncwatch import env

PART = "hooks.contexts"
WHAT = "structlog's and OpenTelemetry's, of tasks; that of a plain callback is not looked at"

Shown = tuple[tuple[str, "str | int | float | bool | None"], ...]

_PREFIX = "structlog_"
# structlog itself marks what was unbound with Ellipsis.
_PLAIN = frozenset({str, int, float, bool, type(None)})
_OTEL = "opentelemetry.context.context", "current_context"
# `create_key("current-span")` adds a number of its own. (opentelemetry/trace/propagation/__init__.py)
_SPAN = "current-span-"
# Such names are no business of a log line's, and what a careless line shows is not for us to spread.
_SECRET = re.compile(r"passw|passphrase|secret|token|authori[sz]ation|api.?key|cookie|credential|private.?key", re.I)

MOST_VARIABLES = 1_000
MOST_KEYS = 20
LONGEST_KEY = 100
LONGEST_TEXT = 200
_LARGEST = 1 << 63


def of_task(task: Any) -> Shown:
    """What a task's lines in the program's log would have, as `(key, value)`; ids of a span are hexadecimal."""
    context = env.context_of(task)
    return of(context) if context is not None else ()


def of(context: Context) -> Shown:
    """The same of a context."""
    variables = env.in_one_go(tuple, islice(iter(context), MOST_VARIABLES))
    if not variables:
        return ()
    own = [one for one in variables if one.name.startswith(_PREFIX)]
    found: dict[str, Any] = {}
    for variable, value in sorted(_plain_values(context, own), key=_by_name):  # a context has no order that lasts
        key = variable.name[len(_PREFIX) :][:LONGEST_KEY]
        if len(found) < MOST_KEYS and _is_written(value) and not _SECRET.search(key):
            found[key] = value[:LONGEST_TEXT] if type(value) is str else value
    for variable in variables:
        if variable.name == _OTEL[1]:
            found.update(_span(context, variable))
    return tuple(found.items())


def _by_name(pair: tuple[ContextVar[Any], Any]) -> str:
    return pair[0].name


def _plain_values(context: Context, variables: list[ContextVar[Any]]) -> tuple[tuple[ContextVar[Any], Any], ...]:
    """The variables with their values, those of other types left out: such a value does not leave the one call."""
    get = context.get
    kinds = map(type, map(get, variables))
    found = compress(zip(variables, map(get, variables), strict=True), map(_PLAIN.__contains__, kinds))
    return env.in_one_go(tuple, found)  # type: ignore[no-any-return]


def _is_written(value: Any) -> bool:
    """Whether JSON has such a number."""
    if type(value) is int:
        return -_LARGEST <= value < _LARGEST
    return type(value) is not float or math.isfinite(value)


def _span(context: Context, variable: ContextVar[Any]) -> dict[str, str]:
    module = sys.modules.get(_OTEL[0])
    values: Any = context.get(variable) if module is not None else None
    if module is None or type(values) is not module.__dict__.get("Context"):
        return {}
    keys = [key for key in env.in_one_go(tuple, values) if type(key) is str and key.startswith(_SPAN)]
    span = _field(dict.get(values, keys[0]), "_context") if keys else None
    if not isinstance(span, tuple) or len(span) < 2:
        return {}
    trace_id, span_id = tuple.__getitem__(span, 0), tuple.__getitem__(span, 1)
    if not (_is_id(trace_id, 128) and _is_id(span_id, 64)):
        return {}
    return {"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}"}


def _field(thing: Any, name: str, get: Callable[[Any, str], Any] = object.__getattribute__) -> Any:
    """An attribute of an object that a library made, without what the object's class may have to say to it."""
    try:
        return get(thing, "__dict__").get(name)
    except AttributeError:
        return None


def _is_id(value: Any, bits: int) -> bool:
    """Whether it is a valid one: all zeros is none."""
    return type(value) is int and 0 < value < 1 << bits
