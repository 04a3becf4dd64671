"""AW000 watching, AW001 watcher-fault and AW099 summary: what the run says of itself."""

from __future__ import annotations

from by_hand import LOOP, at, only, raw

from asyncwatch.detectors import aw000_watching as watching
from asyncwatch.detectors import aw001_watcher_fault as fault
from asyncwatch.detectors import aw099_summary as summary
from asyncwatch.events import Ended, LimitReached, PartFailed, Started

HOOKS = (("tasks", "armed", ""), ("watchdog", "armed", "no schedstat"), ("native-code", "blind", "not seen"))


def test_aw000_lists_each_hook() -> None:
    """The first line names profile, loop and every hook as armed or blind with its reason."""
    finding = only(watching, Started(LOOP, "light", HOOKS, {"python": "3.13.0"}))
    assert finding.level == "info"
    assert finding.event == "watching uvloop.Loop in profile light, blind: native-code"
    assert finding.evidence["hooks"] == {
        "tasks": "armed",
        "watchdog": "armed: no schedstat",
        "native-code": "blind: not seen",
    }
    assert (finding.evidence["profile"], finding.evidence["python"]) == ("light", "3.13.0")


def test_aw000_without_a_loop() -> None:
    """A program that never had a loop is told so."""
    assert only(watching, Started(None, "debug", (), {})).event == "watching for event loops in profile debug"


def test_aw001_names_the_part_and_the_error() -> None:
    """A part that failed is named with its exception, and the finding's identity is the part."""
    one = only(fault, PartFailed(None, "hooks.tasks", "KeyError: 1", (raw("note", 5),)))
    other = only(fault, PartFailed(None, "sinks.stderr", "KeyError: 1", ()))
    assert one.event == "hooks.tasks was switched off: KeyError: 1"
    assert (one.level, one.where, one.stack) == ("warning", None, (at("note", 5),))
    assert one.fingerprint == "AW001:hooks.tasks" != other.fingerprint


def test_aw001_says_what_is_full() -> None:
    """A part that has reached its limit is named with what that means, at level info."""
    one = only(fault, LimitReached(None, "buffer", "what comes now is counted"))
    assert (one.level, one.event) == ("info", "buffer is full: what comes now is counted")
    assert one.fingerprint == "AW001:buffer"


def test_aw099_counts() -> None:
    """The last line gives the number of findings in good English, and every total as evidence."""
    totals = {"findings": {"AW101": 12, "AW201": 1}, "dropped_events": 3}
    finding = only(summary, Ended(None, totals))
    assert finding.event.startswith("13 findings")
    assert (finding.evidence, finding.level) == (totals, "info")
    one = only(summary, Ended(None, {"findings": {"AW101": 1}})).event
    assert one.startswith("1 finding")
    assert not one.startswith("1 findings")
    assert only(summary, Ended(None, {"findings": {}})).event == "nothing found"
