"""Many processes' JSON lines put together: one row for each fingerprint, counts added up over all runs.

A finding's line says how often it had been seen by then (1, 10, 100 …), the summary at a run's end how often in the
end. Where a run has no summary its last line is a lower bound, and so is the sum.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from asyncwatch import records
from asyncwatch.config import ConfigError
from asyncwatch.findings import LEVELS
from asyncwatch.pipeline import MOST_COUNTS, passes_milestone

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
# The evidence that is a duration in seconds, whichever a rule has.
DURATIONS = ("duration", "lag", "waited", "age")
# Lines that are named when they cannot be read.
MOST_NAMED = 3
# What a summary says was not seen or not said, added up.
LOSSES = ("dropped_events", "fingerprints_not_told_apart", "in_baseline", "tasks_not_recorded")


@dataclasses.dataclass(slots=True)
class Run:
    """One process from its first line to its last."""

    pid: int
    counts: dict[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    summary: dict[str, Any] | None = None

    @property
    def listed(self) -> dict[tuple[str, str], int]:
        """The counts that the summary has of places whose last line has an older one."""
        found = {}
        for entry in (self.summary or {}).get("counts", ()):
            if isinstance(entry, dict) and type(entry.get("count")) is int:
                found[str(entry.get("fingerprint")), str(entry.get("level"))] = entry["count"]
        return found


@dataclasses.dataclass(slots=True)
class Place:
    """One fingerprint, over all runs. `finding` is the line that says the worst of it; times are those of lines."""

    finding: dict[str, Any]
    first: str
    last: str
    counts: Counter[str] = dataclasses.field(default_factory=Counter)  # by level
    exact: bool = True
    pids: set[int] = dataclasses.field(default_factory=set)
    worst: float | None = None

    @property
    def level(self) -> str:
        return max(self.counts, key=lambda level: LEVELS.get(level, 0), default=str(self.finding["level"]))


class Runs:
    """Everything that was read."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.places: dict[str, Place] = {}
        self.files: list[str] = []
        self.unreadable: dict[str, list[int]] = {}
        self.empty: list[str] = []
        self.first = self.last = ""
        self._current: dict[int, Run] = {}

    @property
    def newest(self) -> list[dict[str, Any]]:
        """One finding for each fingerprint."""
        return [place.finding for place in self.places.values()]

    def read(self, name: str, file: BinaryIO) -> None:
        """Read one file. Runs that go on in a later file, after rotation, are told by their process ids."""
        self.files.append(name)
        seen = False
        for line in records.lines(file):
            seen = True
            if line.finding is None:
                self.unreadable.setdefault(name, []).append(line.number)
            else:
                self._add(line.finding)
        if not seen:
            self.empty.append(name)

    def _add(self, finding: dict[str, Any]) -> None:
        pid, code = finding["pid"], finding["code"]
        time = _TIME.match(finding["timestamp"])
        if time:
            self.first = min(self.first or time[0], time[0])
            self.last = max(self.last, time[0])
        run = self._current.get(pid)
        if run is None or run.summary is not None or code == "AW000":
            run = self._current[pid] = Run(pid)
            self.runs.append(run)
        if code == "AW099":
            run.summary = finding["evidence"]
        elif code != "AW000":
            key = (finding["fingerprint"], finding["level"])
            run.counts[key] = max(run.counts.get(key, 0), finding["count"])
            self._place(finding, time[0] if time else "")

    def _place(self, finding: dict[str, Any], time: str) -> None:
        place = self.places.get(finding["fingerprint"])
        if place is None:
            place = self.places[finding["fingerprint"]] = Place(finding, time, time)
        place.first, place.last = min(place.first, time), max(place.last, time)
        place.pids.add(finding["pid"])
        seconds = _seconds(finding["evidence"])
        worse = (LEVELS.get(finding["level"], 0), seconds or 0.0)
        if worse > (LEVELS.get(place.finding["level"], 0), _seconds(place.finding["evidence"]) or 0.0):
            place.finding = finding
        if seconds is not None:
            place.worst = max(place.worst or 0.0, seconds)

    def add_up(self) -> list[Place]:
        """The places with their counts over all runs, the worst first."""
        for place in self.places.values():
            place.counts, place.exact = Counter(), True
        for run in self.runs:
            listed = run.listed
            for (fingerprint, level), count in run.counts.items():
                place = self.places[fingerprint]
                place.counts[level] += listed.get((fingerprint, level), count)
                complete = run.summary is not None and len(listed) < MOST_COUNTS and passes_milestone(max(count, 1))
                place.exact = place.exact and (complete or (fingerprint, level) in listed)
        return sorted(self.places.values(), key=lambda one: (-LEVELS.get(one.level, 0), -one.counts.total()))

    def losses(self) -> dict[str, int]:
        """What the summaries say was not seen or not said."""
        found: Counter[str] = Counter()
        for run in self.runs:
            summary = run.summary or {}
            found.update({key: summary[key] for key in LOSSES if type(summary.get(key)) is int and summary[key]})
            ignored = summary.get("ignored")
            if isinstance(ignored, dict):
                found["ignored"] += sum(number for number in ignored.values() if type(number) is int)
        return {key: number for key, number in sorted(found.items()) if number}

    def complaints(self) -> Iterator[str]:
        """What is wrong with the files, in sentences."""
        for name, numbers in self.unreadable.items():
            named = ", ".join(map(str, numbers[:MOST_NAMED])) + (", …" if len(numbers) > MOST_NAMED else "")
            lines = "1 line" if len(numbers) == 1 else f"{len(numbers)} lines"
            yield f"{name}: {lines} cannot be read and left out ({named})"
        for name in self.empty:
            yield f"{name}: no line of asyncwatch's in it; --format json writes them"


def _seconds(evidence: dict[str, Any]) -> float | None:
    for key in DURATIONS:
        value = evidence.get(key)
        if isinstance(value, int | float) and 0 <= value < 1e9:
            return float(value)
    return None


def opened(names: Sequence[str], usage: str) -> Iterator[tuple[str, Any]]:
    """Each file, open for reading; `-` is standard input.

    Raises:
        ConfigError: one cannot be opened; nothing has been read then.
    """
    if not names:
        raise ConfigError(f"no file given, {usage}")
    with contextlib.ExitStack() as stack:
        files: list[tuple[str, Any]] = []
        for name in names:
            try:
                file = sys.stdin.buffer if name == "-" else stack.enter_context(open(name, "rb"))
            except OSError as error:
                raise ConfigError(f"cannot read {name!r}: {error.strerror or error}") from None
            files.append(("standard input" if name == "-" else name, file))
        yield from files
