"""The interpreter's numbers for tools (`sys.monitoring`, 3.12 and later): each part that listens takes one of its own.

https://docs.python.org/3/library/sys.monitoring.html#registering-and-using-tools
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

from asyncwatch.env import MONITORING

# The first two are nobody's, the third is an optimiser's, which none of these Pythons has. 0, 1 and 2 are those of a
# debugger, a coverage tool and a profiler.
NUMBERS = (4, 3, 5)
WHY_NONE = "other tools have taken all of sys.monitoring's free ids"


def is_to_be_had(name: str) -> bool:
    """Whether a number is free, or is this part's already."""
    return any(MONITORING.get_tool(number) in (None, name) for number in NUMBERS)


def take(name: str, callbacks: dict[int, Callable[..., Any]]) -> int | None:
    """A number of this part's own, with what is called for each event; None when all are taken."""
    tool = next((number for number in NUMBERS if MONITORING.get_tool(number) is None), None)
    if tool is not None:
        MONITORING.use_tool_id(tool, name)
        for event, callback in callbacks.items():
            MONITORING.register_callback(tool, event, callback)
    return tool


def release(tool: int, codes: Iterable[CodeType], events: Iterable[int]) -> None:
    """Switch the events off, those of single functions too, and give the number back."""
    MONITORING.set_events(tool, 0)
    for code in codes:
        MONITORING.set_local_events(tool, code, 0)
    for event in events:
        MONITORING.register_callback(tool, event, None)
    MONITORING.free_tool_id(tool)
