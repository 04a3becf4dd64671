"""How long callbacks wait for their turn: a histogram of fixed size, fed by the watcher's own question to the loop."""

from __future__ import annotations

import math
from collections import Counter

# Buckets grow by this factor: a quantile is right to about 6 %.
GROWTH = 1.125
SMALLEST = 1e-4


class Lags:
    """Waits in seconds. A wait longer than the time between two questions stands for those that were not asked."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.most = 0.0

    def add(self, seconds: float, period: float) -> None:
        """One answer, asked for every `period` seconds while the loop answers."""
        self.most = max(self.most, seconds)
        self._buckets[_bucket(seconds)] += 1
        # What would have been asked meanwhile would have waited for the rest of the time; no more than worth counting.
        step = max(period, seconds / 1000)
        rest = seconds - step
        while rest > 0:
            self._buckets[_bucket(rest)] += 1
            rest -= step

    def none(self, times: int = 1) -> None:
        """An idle loop: nobody would have waited."""
        self._buckets[0] += times

    def quantile(self, part: float) -> float:
        """The wait that this part of all questions did not exceed."""
        wanted = part * sum(self._buckets.values())
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(self.most, SMALLEST * GROWTH**bucket)
        return 0.0

    def waits(self) -> tuple[list[tuple[float, int]], float]:
        """Each wait in seconds with how often it was, to about 6 %, and the longest; callable in any thread."""
        return [(SMALLEST * GROWTH**bucket, times) for bucket, times in dict(self._buckets).items()], self.most

    def summary(self) -> dict[str, float]:
        """p50, p99 and max in seconds; empty when no loop ever answered."""
        if not self._buckets:
            return {}
        return {"p50": round(self.quantile(0.5), 4), "p99": round(self.quantile(0.99), 4), "max": round(self.most, 4)}


def _bucket(seconds: float) -> int:
    return 0 if seconds <= SMALLEST else math.ceil(math.log(seconds / SMALLEST, GROWTH))
