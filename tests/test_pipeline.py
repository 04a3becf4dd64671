"""The pipeline: what is judged, counted, said and kept, and what becomes of a part that fails."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncwatch import baselines, plain
from asyncwatch import pipeline as module
from asyncwatch.config import Config, ConfigError
from asyncwatch.detectors import aw001_watcher_fault
from asyncwatch.events import Event, PartFailed, Repeated
from asyncwatch.findings import LEVELS, Finding, Rule, to_dict
from asyncwatch.frames import Frame, Scope
from asyncwatch.pipeline import Pipeline, passes_milestone

SLOW = Rule("AW101", "slow-callback", "warning", "callbacks held the loop", "")
WATCHING = Rule("AW000", "watching", "info", "", "")


@plain.record
class Seen(Event):
    """An event with everything a finding needs."""

    line: int = 1
    level: str = "warning"
    rule: Rule = SLOW


class Echo:
    """Makes one finding of each event."""

    listens: Any = Seen

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, Seen)
        yield Finding(event.rule, event.level, "said", Frame("/app/a.py", event.line, "f"))


class Broken(Echo):
    """Raises at each event."""

    def observe(self, event: Event) -> Iterator[Finding]:
        raise LookupError("the detector's own")


class List:
    """A sink that remembers."""

    def __init__(self, name: str = "list", level: str = "info") -> None:
        self.name = name
        self.level = LEVELS[level]
        self.said: list[tuple[str, int]] = []
        self.closed = 0

    def write(self, finding: Finding, count: int) -> None:
        self.said.append((finding.fingerprint, count))

    def close(self) -> None:
        self.closed += 1


class Full(List):
    """A sink on a full disk."""

    def write(self, finding: Finding, count: int) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        raise OSError(28, "No space left on device")


def make(
    *sinks: Any, detectors: Iterable[tuple[Rule, Any]] | None = None, **settings: Any
) -> Pipeline:
    faults = (aw001_watcher_fault.RULE, aw001_watcher_fault.Detector(Scope()))
    chosen = [(SLOW, Echo())] if detectors is None else detectors
    return Pipeline(
        Config(**settings), [*chosen, faults], sinks, lambda part, error: PartFailed(None, part, str(error), ())
    )


def codes(sink: List) -> list[str]:
    return [fingerprint.split(":")[0] for fingerprint, _ in sink.said]


def test_equal_findings_are_said_at_milestones() -> None:
    """The first, the tenth, the hundredth of one place are said with their count; the others are only counted."""
    sink = List()
    judged = make(sink)
    for _ in range(250):
        judged.judge(Seen(None))
    assert [count for _, count in sink.said] == [1, 10, 100]
    assert judged.by_rule == {"AW101": 250}
    assert len(judged.kept) == 3


def test_each_place_has_its_own_count() -> None:
    """Findings at different lines are different findings."""
    sink = List()
    judged = make(sink)
    for line in (1, 2, 1, 2, 3):
        judged.judge(Seen(None, line))
    assert [count for _, count in sink.said] == [1, 1, 1]
    assert judged.totals()["findings"] == {"AW101": 5}


@pytest.mark.parametrize(("count", "said"), [(1, True), (2, False), (9, False), (10, True), (20, False), (1000, True)])
def test_milestones(count: int, said: bool) -> None:
    """Powers of ten are milestones and nothing else is."""
    assert passes_milestone(count) is said


def test_what_was_only_counted_counts_and_is_said_where_it_passes_a_milestone() -> None:
    """An event that stands for many counts as many, and of the milestones on the way the count it reached is said."""
    sink = List()
    judged = make(sink)
    judged.judge(Seen(None, 1))
    judged.judge(Repeated(None, Seen(None, 1), 5))
    judged.judge(Repeated(None, Seen(None, 1), 300))
    judged.judge(Repeated(None, Seen(None, 1), 300))
    assert [count for _, count in sink.said] == [1, 306]
    assert judged.totals()["findings"] == {"AW101": 606}


def test_what_was_info_does_not_hide_a_warning() -> None:
    """A place that was once slow for want of a CPU is said at full length when it is slow by itself."""
    sink = List(level="warning")
    judged = make(sink)
    for level in ("info", "info", "warning"):
        judged.judge(Seen(None, 1, level))
    assert [count for _, count in sink.said] == [1]


def test_a_detector_hears_only_what_it_listens_for() -> None:
    """An event of another kind reaches no detector that did not ask for it."""
    sink = List()
    make(sink, detectors=[(SLOW, Broken())]).judge(Event(None))
    assert sink.said == []


def test_a_broken_detector_is_switched_off_and_said_once() -> None:
    """A detector that raises is reported as AW001 one time and never asked again, the others go on."""
    sink = List()
    other = Rule("AW201", "task-dropped", "warning", "", "")
    judged = make(sink, detectors=[(other, Broken()), (SLOW, Echo())])
    for line in range(3):
        judged.judge(Seen(None, line))
    assert sorted(codes(sink)) == ["AW001", "AW101", "AW101", "AW101"]
    assert judged.kept[0].evidence["part"] == "detectors.AW201"


def test_a_broken_sink_is_switched_off_and_the_others_say_so() -> None:
    """A sink that raises is reported as AW001 in the other sinks one time, and they get everything."""
    before, after = List("a"), List("b")
    judged = make(before, Full("/full/disk"), after)
    for line in range(3):
        judged.judge(Seen(None, line))
    judged.close()
    for sink in (before, after):
        assert sorted(codes(sink)) == ["AW001", "AW101", "AW101", "AW101"]
        assert sink.closed == 1
    evidence = judged.kept[1].evidence
    assert (evidence["part"], evidence["exception"]) == ("sinks./full/disk", "[Errno 28] No space left on device")


def test_all_sinks_broken_is_not_the_programs_trouble() -> None:
    """With every sink broken nothing is raised and everything is still counted and kept."""
    judged = make(Full("a"), Full("b"))
    for line in range(3):
        judged.judge(Seen(None, line))
    judged.close()
    assert judged.by_rule["AW101"] == 3
    assert [finding.rule.code for finding in judged.kept].count("AW001") == 2


def test_a_sink_gets_its_level_and_above() -> None:
    """Findings below a sink's level are not written to it, yet counted; what the watching says of itself always is."""
    everything, warnings = List(level="info"), List(level="warning")
    judged = make(everything, warnings)
    judged.judge(Seen(None, 1, "info"))
    judged.judge(Seen(None, 2, "warning"))
    judged.judge(Seen(None, 3, "info", WATCHING))
    assert codes(everything) == ["AW101", "AW101", "AW000"]
    assert codes(warnings) == ["AW101", "AW000"]
    assert judged.totals()["levels"] == {"info": 1, "warning": 1}


def test_fail_on_counts_warnings_and_errors() -> None:
    """A code named by --fail-on is a failure when seen at warning or error, not at info."""
    judged = make(fail_on=frozenset({"AW1"}))
    judged.judge(Seen(None, 1, "info"))
    assert judged.failures == set()
    judged.judge(Seen(None, 2, "warning"))
    assert judged.failures == {"AW101"}


def test_fail_on_ignores_other_codes() -> None:
    """A code that --fail-on does not name is no failure, and without --fail-on nothing is."""
    for settings in ({"fail_on": frozenset({"AW2"})}, {}):
        judged = make(**settings)
        judged.judge(Seen(None))
        assert judged.failures == set()


def baseline(path: Path, *findings: Finding) -> str:
    lines = [json.dumps(to_dict(finding, count=1, pid=1, now=0.0)) for finding in findings]
    path.write_text("\n".join(["not a finding", *lines, "[]", "{}", ""]))
    return str(path)


def test_what_is_in_the_baseline_is_not_new(tmp_path: Path) -> None:
    """A finding whose fingerprint is in the baseline is neither said nor a failure; the summary counts it."""
    (known,) = Echo().observe(Seen(None, 5))
    sink = List()
    judged = make(sink, baseline=baseline(tmp_path / "known.jsonl", known), fail_on=frozenset({"AW"}))
    judged.judge(Seen(None, 5))
    assert (sink.said, judged.failures, judged.totals()["in_baseline"]) == ([], set(), 1)
    judged.judge(Seen(None, 6))
    assert (len(sink.said), judged.failures) == (1, {"AW101"})


@pytest.mark.parametrize("content", [None, "{broken", b"\xff{"], ids=["absent", "no JSON", "no text"])
def test_an_unreadable_baseline_is_one_clear_error(tmp_path: Path, content: Any) -> None:
    """A baseline that is absent or not JSON lines is refused with its name before the program starts."""
    path = tmp_path / "known.jsonl"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=r"known\.jsonl"):
        baselines.load(str(path))


def test_more_fingerprints_than_can_be_told_apart_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the cap new places are counted by rule, which is said once and in the summary; known places go on."""
    monkeypatch.setattr(module, "MOST_FINGERPRINTS", 3)
    sink = List(level="error")
    judged = make(sink)
    for line in [*range(5), *[0] * 9]:
        judged.judge(Seen(None, line))
    assert sink.said == [("AW001:pipeline", 1)]
    assert [finding.rule.code for finding in judged.kept] == ["AW101", "AW101", "AW101", "AW001", "AW101"]
    assert judged.totals() == {
        "findings": {"AW001": 1, "AW101": 14},
        "levels": {"info": 1, "warning": 14},
        "fingerprints_not_told_apart": 2,
    }


def test_reset_begins_anew() -> None:
    """A forked child counts for itself: after a reset the same place is said again as the first."""
    sink = List()
    judged = make(sink, fail_on=frozenset({"AW"}))
    judged.judge(Seen(None))
    judged.reset([(Rule, detector) for Rule, detector in judged._detectors])
    assert (judged.by_rule, judged.failures, judged.kept) == ({}, set(), [])
    judged.judge(Seen(None))
    assert [count for _, count in sink.said] == [1, 1]
