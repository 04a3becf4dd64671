"""Findings read back from the lines that a run has written: only what has our form, whatever else the file holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from asyncwatch import plain

# A line of ours is bounded; what is longer is not read at all.
LONGEST = 1 << 20
_OURS = b'{"timestamp": '
_CODE = re.compile(r"AW\d{3}")
_TEXTS = ("timestamp", "level", "rule", "event", "fingerprint")


@plain.record
class Line:
    """One line of ours; `finding` is None when it begins like one and cannot be read: cut off, or overwritten."""

    number: int
    finding: dict[str, Any] | None


def lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of ours in a file, also behind a prefix that a container engine has put before each."""
    number = 0
    while raw := file.readline(LONGEST):
        number += 1
        whole = raw
        while whole and not whole.endswith(b"\n"):
            whole = file.readline(LONGEST)  # the rest of an endless line
        found = find(raw)
        if found is not None or _OURS in raw:
            yield Line(number, found)


def find(raw: bytes) -> dict[str, Any] | None:
    """The finding in a line, also behind a prefix; None when there is none."""
    start = raw.find(_OURS)
    if start >= 0:
        return parse(raw[start:])
    return parse(raw) if raw.lstrip().startswith(b"{") else None


def parse(raw: bytes) -> dict[str, Any] | None:
    """One line as a finding; None when it is none. What it holds has the types that findings have."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not _CODE.fullmatch(str(found.get("code", ""))):
        return None
    if not all(isinstance(found.get(key), str) for key in _TEXTS):
        return None
    if not _is_number(found.get("count")) or not _is_number(found.get("pid")):
        return None
    if not isinstance(found.get("evidence"), dict):
        return None
    if "where" in found and not _is_place(found["where"]):
        return None
    return found


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("file"), str)
        and isinstance(value.get("function"), str)
        and _is_number(value.get("line"))
    )


def fingerprints(findings: Iterable[dict[str, Any]]) -> set[str]:
    """What identifies those of them that are the program's to change: no info, nothing about the watching itself."""
    return {
        found["fingerprint"]
        for found in findings
        if found["level"] in ("warning", "error") and not found["code"].startswith("AW0")
    }
