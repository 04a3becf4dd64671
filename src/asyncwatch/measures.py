"""What is measured of a process all the time, as numbers that only grow but for those that say otherwise."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence

# The upper bounds of the histogram of lags, in seconds: finest around what a person, a health check and a timeout feel.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Lag:
    """How long callbacks waited for their turn: how many up to each of `BOUNDS` and above, and all waits together.

    `waits` are the same to about 6 %: seconds, and how often.
    """

    waits: tuple[tuple[float, int], ...] = ()
    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    total: float = 0.0
    most: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Measures:
    """A moment's numbers. `live` is how many tasks were found pending when they were last walked through."""

    findings: dict[tuple[str, str], int] = dataclasses.field(default_factory=dict)  # by code and level
    lag: Lag = Lag()
    live: int = 0
    created: int = 0
    loops: int = 0


def lag_of(waits: Sequence[tuple[float, int]], most: float) -> Lag:
    """Put waits, each with how often it was, into the histogram."""
    counts = [0] * (len(BOUNDS) + 1)
    total = 0.0
    for seconds, times in waits:
        counts[bisect.bisect_left(BOUNDS, seconds)] += times
        total += seconds * times
    return Lag(tuple(waits), tuple(counts), total, most)
