"""Warnings that a finding will say: kept off the program's plain stderr, and nothing else.

`warnings` shows a warning by `_showwarnmsg_impl`, unless the program replaced `showwarning` or records.
https://github.com/python/cpython/blob/3.12/Lib/warnings.py#L95 (_showwarnmsg)
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.taps import is_recorded


class Shown:
    """Stands before what puts a warning on stderr."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._show: Any = None

    def install(self, patches: Patches) -> None:
        self._show = warnings._showwarnmsg_impl  # type: ignore[attr-defined]
        patches.set(warnings, "_showwarnmsg_impl", self.show)

    def hide(self, taken: bool) -> bool:
        """From now on what this thread warns of is put on stderr unless it was taken over; returns what held before."""
        before = getattr(self._local, "taken", False)
        self._local.taken = taken
        return before

    def show(self, message: Any) -> None:
        """What `warnings` calls to put a warning on stderr, unless the program replaced that."""
        if getattr(self._local, "taken", False) and not is_recorded():
            return
        self._show(message)
