"""What the kernel says: the quota's file in either version of control groups, and one callback's share of the numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from asyncwatch import env
from asyncwatch.hooks.quota import Quota
from asyncwatch.hooks.vitals import MOST_ROWS, Record, Vitals

pytestmark = pytest.mark.skipif(not env.LINUX, reason="control groups are Linux's")
FIRST = "5:memory:/app\n2:cpu,cpuacct:/app\n0::/\n"
SECOND = "0::/app/worker\n"


def group(folder: Path, **files: str) -> None:
    """A control group with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def quota(root: Path, membership: str) -> Quota:
    of = root / "cgroup"
    of.write_text(membership)
    return Quota(str(of), str(root))


V1 = {"cpu__cfs_quota_us": "10000\n", "cpu__stat": "nr_periods 9\nnr_throttled 4\nthrottled_time 1250000000\n"}
V2 = {"cpu__max": "10000 100000\n", "cpu__stat": "usage_usec 7\nnr_throttled 4\nthrottled_usec 1250000\nnr_bursts 0\n"}


@pytest.mark.parametrize(
    ("membership", "folder", "files"),
    [
        pytest.param(FIRST, "cpu,cpuacct/app", V1, id="version 1"),
        pytest.param(FIRST, "cpu/app", V1, id="version 1 by its short name"),
        pytest.param(FIRST, "cpu", V1, id="version 1 in a container"),
        pytest.param(SECOND, "app/worker", V2, id="version 2"),
        pytest.param(SECOND, "app", V2, id="version 2 of the group around it"),
        pytest.param(SECOND, ".", V2, id="version 2 in a container"),
        pytest.param("0::/\n", ".", V2, id="version 2 with a namespace"),
    ],
)
def test_the_quota_is_found(tmp_path: Path, membership: str, folder: str, files: dict[str, str]) -> None:
    """The throttled seconds of the limited group are read wherever that group's files are mounted."""
    group(tmp_path / folder, **files)
    assert quota(tmp_path, membership).throttled() == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("membership", "folder", "files"),
    [
        pytest.param(FIRST, "cpu/app", {**V1, "cpu__cfs_quota_us": "-1\n"}, id="version 1 unlimited"),
        pytest.param(SECOND, "app/worker", {**V2, "cpu__max": "max 100000\n"}, id="version 2 unlimited"),
        pytest.param(SECOND, "elsewhere", V2, id="another group's"),
        pytest.param("", ".", V2, id="no groups at all"),
        pytest.param("nonsense\n", ".", {}, id="nonsense"),
    ],
)
def test_without_a_quota_nothing_is_said(tmp_path: Path, membership: str, folder: str, files: dict[str, str]) -> None:
    """A group without a limit has no throttled seconds, not zero of them."""
    group(tmp_path / folder, **files)
    assert quota(tmp_path, membership).throttled() is None


def test_a_group_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """When the file can no longer be read, nobody knows any more."""
    group(tmp_path, **V2)
    found = quota(tmp_path, SECOND)
    (tmp_path / "cpu.stat").unlink()
    assert found.throttled() is None


def record(*rows: tuple[float, float, float, int], others: float = 0.0) -> Record:
    """Looks at a thread: when, the seconds it ran and waited so far, its turns; `others` run so many seconds a second."""
    made = Record()
    for now, ran, waited, turns in rows:
        made.add(now, Vitals(ran, waited, turns), None, others * now)
    return made


def test_a_callback_is_judged_by_its_own_time() -> None:
    """What a neighbour in the same turn used or lost is no part of a callback's numbers."""
    found = record((0.0, 0.0, 0.0, 0), (0.5, 0.1, 0.4, 9), (0.8, 0.1, 0.4, 10), (1.4, 0.7, 0.4, 11))
    asleep = found.between(0.51, 0.79)
    assert (asleep.span, asleep.ran, asleep.waited) == pytest.approx((0.3, 0.0, 0.0))
    assert found.between(0.0, 0.45).waited == pytest.approx(0.4)
    assert found.between(0.81, 1.4).ran == pytest.approx(0.6)


def test_the_span_says_what_is_not_known() -> None:
    """Of the time before the first look nothing is counted, and the span is shorter than what was asked for."""
    assert record((1.0, 0.0, 0.0, 0), (1.2, 0.1, 0.1, 1)).between(0.5, 1.2).span == pytest.approx(0.2)
    assert Record().between(0.5, 1.2).ran is None


def test_a_wait_for_a_cpu_is_counted_when_it_is_over() -> None:
    """Of a wait that goes on at the look after a callback's end, which is a guess, what lay before that look counts."""
    found = record(
        (0.0, 0.0, 0.0, 0), (0.1, 0.01, 0.0, 1), (0.3, 0.01, 0.0, 1), (0.4, 0.02, 0.27, 2), (0.5, 0.12, 0.27, 3)
    )
    assert found.between(0.1, 0.28).waited == pytest.approx(0.17)
    assert found.between(0.1, 0.38).waited == pytest.approx(0.27)
    assert found.between(0.4, 0.45).waited == 0.0


def test_a_long_record_keeps_its_ends() -> None:
    """However many looks there were, the memory is bounded and the newest are all there."""
    found = Record()
    for number in range(20 * MOST_ROWS):
        found.add(number / 100, Vitals(number / 100, 0.0, number), None, 0.0)
    assert len(found._rows) < MOST_ROWS
    assert found._rows[0].at == 0.0
    end = found.until
    assert found.between(end - 0.5, end).span == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("naps", "others", "contended"),
    [
        pytest.param(1.0, 0.9, True, id="naps while others run"),
        pytest.param(1.0, 0.0, False, id="naps and nobody runs"),
        pytest.param(0.02, 0.9, False, id="one long sleep"),
        pytest.param(20.0, 0.9, False, id="many short waits"),
    ],
)
def test_who_takes_turns_for_the_gil_is_known_by_its_naps(naps: float, others: float, contended: bool) -> None:
    """A thread that naps in the rhythm of the switch interval while others run asked for the GIL; no other did."""
    turns = int(naps * 0.4 / sys.getswitchinterval())
    found = record((0.0, 0.0, 0.0, 0), (0.5, 0.05, 0.05, turns), others=others)
    assert found.between(0.0, 0.5).contended == pytest.approx(0.4 if contended else 0.0)
