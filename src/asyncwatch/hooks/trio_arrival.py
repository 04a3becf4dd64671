"""trio's arrival: noticed when a program imports it, without importing it for anybody.

The finder finds nothing. It is asked for each module that is not yet there, so it sees that trio's own go on being
imported after the one that is waited for; then it leaves. No loader is wrapped.
https://docs.python.org/3/reference/import.html#the-meta-path
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

MODULE = "trio._core._run"
# What is used of it: a function that makes each run, also one that is a guest of another loop, and one that runs it.
USED = ("setup_runner", "unrolled_run", "GLOBAL_RUN_CONTEXT")


class Arrival:
    """Calls `arrived` with trio's module once it has what is used of it."""

    def __init__(self, arrived: Callable[[Any], None]) -> None:
        self._arrived = arrived

    def watch(self) -> None:
        """Wait for trio, unless it is there."""
        if not self._is_there():
            sys.meta_path.insert(0, self)

    def leave(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def _is_there(self) -> bool:
        module = sys.modules.get(MODULE)
        if module is None or not all(hasattr(module, name) for name in USED):
            return False
        self._arrived(module)
        return True

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """What the import system asks."""
        if name.startswith("trio.") and MODULE in sys.modules and self._is_there():
            self.leave()


def is_imported() -> bool:
    return MODULE in sys.modules


def why_blind() -> str:
    """Why a trio that is there is not watched; empty where it is."""
    module = sys.modules.get(MODULE)
    missing = [name for name in USED if not hasattr(module, name)]
    return f"this trio has no {', '.join(missing)}" if missing else ""
