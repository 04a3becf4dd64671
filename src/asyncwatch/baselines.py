"""The places already known: a file of fingerprints, and the answer to whether a finding is at one of them.

A fingerprint ends with its line, and a line moves whenever something above it is edited. So a place is rule, file and
function, and its lines are a hint: as many lines as the file has of a place are known, the same ones before others.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

from asyncwatch import records
from asyncwatch.config import ConfigError
from asyncwatch.findings import Finding

KEY = "asyncwatch-baseline"
FORM = 1
# Bytes.
LONGEST = 64 << 20


def load(path: str | None) -> frozenset[str]:
    """The fingerprints in a file that `asyncwatch baseline` has written, or in the JSON lines of a run.

    Raises:
        ConfigError: when the file cannot be read.
    """
    if path is None:
        return frozenset()
    try:
        with open(path, "rb") as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST >> 20} MB")
        return frozenset(listed(data) if is_listed(data) else _of_run(data))
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it is nested too deeply"
    advice = f"`asyncwatch baseline RUN.jsonl --write {path}` makes one"
    raise ConfigError(f"cannot read the baseline {path}: {reason}; {advice}")


def is_listed(start: bytes) -> bool:
    """Whether a file that begins so is one that `asyncwatch baseline` has written."""
    return KEY.encode() in start[:100]


def listed(data: bytes) -> list[str]:
    """The fingerprints of such a file. Raises ValueError when it is damaged."""
    found = json.loads(data)
    fingerprints = found.get("fingerprints") if isinstance(found, dict) and found.get(KEY) == FORM else None
    if not isinstance(fingerprints, list) or not all(isinstance(one, str) for one in fingerprints):
        raise ValueError("it is not in the form of this version")
    return fingerprints


def _of_run(data: bytes) -> Iterable[str]:
    found = []
    for line in records.lines(io.BytesIO(data)):
        if line.finding is None:
            raise ValueError(f"line {line.number} is broken off")
        found.append(line.finding)
    if not found and data.strip():
        raise ValueError("it has no findings")
    return records.fingerprints(found)


def dump(fingerprints: Iterable[str]) -> str:
    """The file's text: one fingerprint on a line, in order, so that a change of it reads well."""
    return json.dumps({KEY: FORM, "fingerprints": sorted(fingerprints, key=_order)}, indent=1) + "\n"


def _order(fingerprint: str) -> tuple[str, int]:
    place, line = _split(fingerprint)
    return place, line


def _split(fingerprint: str) -> tuple[str, int]:
    """Place and line; 0 where it has none."""
    place, _, line = fingerprint.rpartition(":")
    if place.count(":") >= 2 and line.isascii() and line.isdigit():
        return place, int(line)
    return fingerprint, 0


class Baseline:
    """Tells known findings from new ones, one run long."""

    def __init__(self, fingerprints: Iterable[str]) -> None:
        # By place: each known line, and which line of this run stands for it.
        self._taken: dict[str, dict[int, int | None]] = {}
        # What was taken for a line that has moved; should that line show up itself, it was not.
        self._moved: dict[tuple[str, int], Finding] = {}
        for fingerprint in fingerprints:
            place, line = _split(fingerprint)
            self._taken.setdefault(place, {})[line] = None

    def new(self, finding: Finding) -> tuple[Finding, ...]:
        """Nothing when it is known; else it, or another that had been taken for it until now."""
        place, line = _split(finding.fingerprint)
        lines = self._taken.get(place)
        if lines is None:
            return (finding,)
        if line in lines:
            other, lines[line] = lines[line], line
            if other in (None, line):
                return ()
            assert other is not None
            held = self._moved.pop((place, other))
            return () if self._take(place, other, held) else (held,)
        if (place, line) in self._moved or self._take(place, line, finding):
            return ()
        return (finding,)

    def _take(self, place: str, line: int, finding: Finding) -> bool:
        """Have the nearest known line that nobody stands for be this one."""
        lines = self._taken[place]
        free = [one for one, who in lines.items() if who is None]
        if not free:
            return False
        lines[min(free, key=lambda one: abs(one - line))] = line
        self._moved[place, line] = finding
        return True
