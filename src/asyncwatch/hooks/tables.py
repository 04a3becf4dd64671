"""Dictionaries that other threads change."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TypeVar

from asyncwatch.env import in_one_go

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
# What a chunk has room for.
CHUNK = 1_000


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
