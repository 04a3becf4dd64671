"""What every task of the program pays for has a twin in C: used where it was compiled, the Python one wherever not.

Both do the same, the tests run with each. `ASYNCWATCH_PURE=1` chooses Python's for the process.
"""

from __future__ import annotations

import _thread
import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from asyncwatch import env

# Of a file that was compiled from another version's source nothing is known.
_INTERFACE = 7


def _load() -> tuple[ModuleType | None, str]:
    """The compiled module, or why there is none."""
    if os.environ.get("ASYNCWATCH_PURE", "0") not in ("", "0"):
        return None, "ASYNCWATCH_PURE is set"
    if not env.HAS_GIL:
        return None, "this Python has no GIL"
    try:
        _record = importlib.import_module("asyncwatch.hooks._record")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        return None, "nothing was compiled when asyncwatch was installed" if missing else str(error)[:200]
    if getattr(_record, "INTERFACE", None) != _INTERFACE:
        return None, "what was compiled is another version's; install asyncwatch again"
    return _record, ""


COMPILED, WHY_NOT = _load()

if TYPE_CHECKING or COMPILED is None:

    class Room:
        """How much may be recorded, the time, and what was not: read and written for every task."""

        __slots__ = ("answered_at", "busy", "clock", "extra", "room", "skipped", "skipped_at", "wants")

        room: float
        extra: float
        clock: float
        answered_at: float
        wants: int
        busy: int
        skipped: int
        skipped_at: float

else:
    Room = COMPILED.Room

# What the watcher waits on, and how it does while all is well; None where it does that in Python.
Wake: Callable[[], Any] = getattr(COMPILED, "Wake", _thread.allocate_lock)
DOZE: Callable[..., tuple[Any, ...] | None] | None = getattr(COMPILED, "doze", None)
DOZE_ANEW: Callable[[], None] | None = getattr(COMPILED, "doze_anew", None)
