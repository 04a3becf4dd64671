"""Floods: a site that never stops and sites without end cost a bounded number of lines and objects, and say so."""

from __future__ import annotations

import pytest
from test_pipeline import List, Seen, codes, make

from asyncwatch import pipeline as module
from asyncwatch.events import Event, LimitReached
from asyncwatch.hooks import bus as bus_module
from asyncwatch.hooks.bus import Bus


def test_one_site_that_never_stops_is_six_lines() -> None:
    """Two hundred thousand findings of one place are said at 1, 10, 100 … 100,000, and counted exactly."""
    sink = List()
    judged = make(sink)
    event = Seen(None)
    for _ in range(200_000):
        judged.judge(event)
    assert [count for _, count in sink.said] == [1, 10, 100, 1_000, 10_000, 100_000]
    assert judged.totals()["counts"] == [{"fingerprint": "AW101:/app/a.py:f:1", "level": "warning", "count": 200_000}]


def test_sites_without_end_are_told_apart_up_to_a_limit() -> None:
    """Of fifteen thousand places ten thousand have a line; the limit is said once, the rest counted, little is kept."""
    sink = List()
    judged = make(sink)
    for line in range(15_000):
        judged.judge(Seen(None, line))
    assert len(sink.said) == module.MOST_FINGERPRINTS + 1
    assert codes(sink).count("AW001") == 1
    assert sink.said[module.MOST_FINGERPRINTS] == ("AW001:pipeline", 1)
    assert judged.totals()["findings"] == {"AW001": 1, "AW101": 15_000}
    assert judged.totals()["fingerprints_not_told_apart"] == 5_000
    assert len(judged._counts) == module.MOST_FINGERPRINTS + 1
    assert len(judged.kept) == module.MOST_KEPT


def test_the_summary_has_the_counts_that_no_line_has() -> None:
    """Places whose count no line has said are in the summary, those seen most, up to a limit."""
    judged = make(List())
    for line in range(150):
        for _ in range(2 + line):
            judged.judge(Seen(None, line))
    counts = [entry["count"] for entry in judged.totals()["counts"]]
    expected = [count for count in range(151, 0, -1) if not module.passes_milestone(count)]
    assert counts == expected[: module.MOST_COUNTS]


def test_a_full_buffer_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first event that finds no room leaves a note in its place; the others are counted only."""
    monkeypatch.setattr(bus_module, "CAPACITY", 3)
    bus = Bus(frozenset())
    taken = [bus.emit(Event(None)) for _ in range(10)]
    assert taken == [True] * 3 + [False] * 7
    assert bus.dropped == 7
    assert [type(event) for event in bus.queue] == [Event, Event, Event, LimitReached]
    bus.queue.clear()
    for _ in range(10):
        bus.emit(Event(None))
    assert [type(event) for event in bus.queue] == [Event] * 3


def test_a_limit_fails_no_run() -> None:
    """That a part is full is level info: `--fail-on AW` is about the program."""
    judged = make(fail_on=frozenset({"AW"}))
    judged.judge(LimitReached(None, "buffer", "full"))
    assert (judged.by_level, judged.failures) == ({"info": 1}, set())
