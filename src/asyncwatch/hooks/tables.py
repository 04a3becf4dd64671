"""Dictionaries that other threads change."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, TypeVar

from asyncwatch.env import in_one_go

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
# What a chunk has room for.
CHUNK = 1_000


class Walk:
    """A way through a dictionary that other threads change, the newest first; the twin of a cursor in C."""

    def __init__(self, table: dict[int, Any]) -> None:
        self._table = table
        self._chunks: list[tuple[int | None, ...]] = []
        self._keys: list[int] = []

    @property
    def left(self) -> bool:
        """Whether there are keys that have not been visited."""
        if not self._keys and self._chunks:
            self._keys = [key for key in self._chunks.pop() if key is not None]
        return bool(self._keys)

    def rewind(self) -> None:
        """Begin with the newest again."""
        self._chunks, self._keys = chunks_of(self._table), []

    def pass_over(self, *_: object) -> tuple[int, int, int]:
        """The next key; each is Python's to look at."""
        return self._keys.pop(), 0, 0


def items_of(table: dict[_Key, _Value]) -> list[tuple[_Key, _Value]]:
    """What is in a dictionary at one moment, while other threads change it.

    `list(table)` and `list(table.values())` are that as well. This makes a tuple for each item, and on 3.11 the
    collector may run at each, and code of the program's with it, in which another thread gets its turn: that raised
    RuntimeError.
    """
    found: list[tuple[_Key, _Value]] = in_one_go(list, table.items())
    return found


def chunks_of(many: Iterable[_Value]) -> list[tuple[_Value | None, ...]]:
    """What there is at one moment, in tuples of `CHUNK`, the last filled up with None.

    One list of a hundred thousand is a block so large that, once freed, the C library keeps others of its size for the
    process. https://man7.org/linux/man-pages/man3/mallopt.3.html (M_MMAP_THRESHOLD)
    """
    found: list[tuple[_Value | None, ...]] = in_one_go(list, itertools.zip_longest(*[iter(many)] * CHUNK))
    return found
