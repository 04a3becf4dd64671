"""The program's tracebacks and creation stacks name its own lines, not those of our replacements."""

from __future__ import annotations

from typing import Any

from asyncwatch.frames import PACKAGE
from asyncwatch.hooks.source_tracebacks import SourceTraceback


def hide_own_frames(stack: Any) -> None:
    """Debug mode's creation stack names the program's lines, not this module's; written down by us it has none."""
    if type(stack) is SourceTraceback:
        return
    own = [entry for entry in stack if entry.filename.startswith(PACKAGE)]
    for entry in own:
        stack.remove(entry)


def hide_own_entry(error: BaseException) -> None:
    """Take the function that calls this, and is about to raise again, off an exception's traceback.

    A bare `raise` adds no entry.
    """
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next
