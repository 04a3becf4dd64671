"""What rules share: from raw frames to the line to change."""

from __future__ import annotations

from collections.abc import Iterable

from asyncwatch.events import TaskFacts
from asyncwatch.frames import Frame, Place, Scope, resolve_all


def outermost_first(raws: Iterable[Place]) -> tuple[Frame, ...]:
    """Resolve frames that are innermost first."""
    return resolve_all(reversed(list(raws)))


def level_for(level: str, where: Frame | None, scope: Scope) -> str:
    """Only what the program's own author can change is a warning; the same in a library's line is info."""
    return level if where is not None and scope.is_app(where.file) else "info"


def creation(task: TaskFacts, scope: Scope) -> tuple[Frame | None, tuple[Frame, ...]]:
    """The creation site and the stack it was seen in."""
    stack = outermost_first(task.created)
    return scope.innermost(stack), stack


def place(frame: Frame) -> str:
    """A frame inside a sentence."""
    return f"{frame.function}()"


def seconds(value: float) -> str:
    """A duration inside a sentence."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
