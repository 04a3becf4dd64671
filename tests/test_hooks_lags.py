"""The histogram of waits."""

from __future__ import annotations

import pytest

from asyncwatch.hooks.lags import GROWTH, SMALLEST, Lags


def test_nothing_asked_is_nothing_said() -> None:
    """Without an answer there is no summary, and a quantile is zero."""
    assert Lags().summary() == {}
    assert Lags().quantile(0.5) == 0.0


def test_quantiles_are_right_to_a_bucket() -> None:
    """A quantile is at least the true one and less than one bucket above it, and never above the most."""
    lags = Lags()
    for number in range(1, 1001):
        lags.add(number / 1000, 10.0)
    for part in (0.5, 0.9, 0.99, 1.0):
        assert part <= lags.quantile(part) <= part * GROWTH
    assert lags.quantile(1.0) == lags.most == 1.0


def test_a_long_wait_stands_for_those_that_were_not_asked() -> None:
    """One wait of a second, asked for every 100 ms, counts as ten, the last of which waited 100 ms."""
    lags = Lags()
    lags.add(1.0, 0.1)
    assert lags.quantile(0.5) == pytest.approx(0.55, rel=GROWTH - 1 + 0.1)
    assert lags.summary()["max"] == 1.0


def test_no_wait_costs_more_than_a_thousand_entries() -> None:
    """However short the period, one answer is counted about a thousand times at most."""
    lags = Lags()
    lags.add(3600.0, 1e-6)
    assert sum(lags._buckets.values()) <= 1002


def test_the_smallest_waits_share_a_bucket() -> None:
    """Waits too short to matter are one bucket, zero too."""
    lags = Lags()
    for seconds in (0.0, SMALLEST / 2, SMALLEST):
        lags.add(seconds, 1.0)
    assert list(lags._buckets) == [0]
