"""Dictionaries that other threads change."""

from __future__ import annotations

from typing import TypeVar

from asyncwatch.env import in_one_go

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def items_of(table: dict[_Key, _Value]) -> list[tuple[_Key, _Value]]:
    """What is in a dictionary at one moment, while other threads change it.

    `list(table)` and `list(table.values())` are that as well. This makes a tuple for each item, and on 3.11 the
    collector may run at each, and code of the program's with it, in which another thread gets its turn: that raised
    RuntimeError.
    """
    found: list[tuple[_Key, _Value]] = in_one_go(list, table.items())
    return found
