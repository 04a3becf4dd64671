"""An entry of `[[tool.asyncwatch.ignores]]`: which findings are accepted, where, why, and until when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from asyncwatch import plain

KEYS = ("code", "path", "reason", "until")


@plain.record
class Ignore:
    """Findings of these codes (or families) at lines of these files are ignored, up to and with the day `until`."""

    codes: frozenset[str]
    reason: str
    path: str | None = None
    until: date | None = None

    def expired(self, today: date) -> bool:
        return self.until is not None and today > self.until

    def packed(self) -> tuple[Any, ...]:
        """The same without a class of ours, for another process."""
        return tuple(sorted(self.codes)), self.reason, self.path, self.until and self.until.isoformat()

    def __str__(self) -> str:
        where = f" at {self.path}" if self.path else ""
        return f"{', '.join(sorted(self.codes))}{where} ({self.reason})"


def unpacked(packed: tuple[Any, ...]) -> Ignore:
    """What `packed` has made a tuple of."""
    codes, reason, path, until = packed
    return Ignore(frozenset(codes), reason, path, _day(until))


def entries(value: Any, codes: Callable[[str], frozenset[str]]) -> tuple[Ignore, ...]:
    """What the file has, one after the other; `codes` reads the codes.

    Raises:
        ValueError: one sentence that names the entry.
    """
    if not isinstance(value, list):
        raise ValueError("expected entries that begin with [[tool.asyncwatch.ignores]]")
    found = []
    for number, entry in enumerate(value, 1):
        try:
            found.append(_entry(entry, codes))
        except ValueError as error:
            raise ValueError(f"entry {number} is not valid, expected {error}") from None
    return tuple(found)


def _entry(table: Any, codes: Callable[[str], frozenset[str]]) -> Ignore:
    if not isinstance(table, Mapping):
        raise ValueError(f"a table with {', '.join(KEYS)}")
    for key in table:
        if key not in KEYS:
            raise ValueError(f"only {', '.join(KEYS)}, not {key!r}")
    for key in ("code", "reason"):
        if key not in table:
            raise ValueError(f"a {key}")
    for key in ("reason", "path"):
        value = table.get(key, "-")
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{key} to be text")
    code = table["code"]
    chosen = codes(",".join(map(str, code)) if isinstance(code, list) else str(code))
    if not chosen:
        raise ValueError("a code")
    return Ignore(chosen, table["reason"].strip(), table.get("path"), _day(table.get("until")))


def _day(value: Any) -> date | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("until to be a date such as 2027-01-31") from None
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise ValueError("until to be a date such as 2027-01-31")
    return value
