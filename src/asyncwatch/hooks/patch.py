"""The only way anything of the host is replaced: reversible, last in first out, and honest when it cannot go back."""

from __future__ import annotations

from typing import Any

_ABSENT = object()
_DEFAULTS = "__defaults__"  # not in a function's namespace


class Patches:
    """Replaced attributes, and how to put them back.

    An attribute that somebody replaced again after us is left alone: their patch calls ours, ours passes through.
    """

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, Any, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Replace `owner.name`, remembering what its own namespace held, if it held anything."""
        before = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        self._done.append((owner, name, before, vars(owner).get(name)))

    def set_defaults(self, function: Any, values: tuple[Any, ...]) -> None:
        """Replace a function's default values."""
        self._done.append((function, _DEFAULTS, function.__defaults__, values))
        function.__defaults__ = values

    def undo(self) -> list[str]:
        """Put everything back; returns the names that somebody else had replaced meanwhile."""
        kept = []
        while self._done:
            owner, name, before, ours = self._done.pop()
            if _held(owner, name) is not ours:
                kept.append(f"{getattr(owner, '__name__', owner)}.{name}")
            elif before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        return kept


def _held(owner: Any, name: str) -> Any:
    return owner.__defaults__ if name == _DEFAULTS else vars(owner).get(name, _ABSENT)
