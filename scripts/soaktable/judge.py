"""What is to be said of a run: false alarms, faults of ours, growth of ours, planted faults that were missed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from runs import SERVICE, Run

MARK = re.compile(r"# leak (\w+): (AW\d{3})$")
# A container of ours, or a kind of object, may be larger by this many: the small buffers that have a bound hold 256.
SLACK = 300
# Two runs of the same bare service differ by this many bytes of growth.
NOISE = 4 * 2**20
ENDED = (0, -2, -15)
# What a planted fault does besides, and rightly so: others wait in the same queue; orphans pile up, and until their
# connection ends they are dropped tasks.
CONSEQUENCES = {"crowded": {"AW105"}, "blocking": {"AW103"}, "orphaned": {"AW201", "AW208"}}


class Planted(NamedTuple):
    """A guilty line."""

    leak: str
    code: str
    line: int


def planted() -> list[Planted]:
    lines = enumerate((SERVICE / "leaks.py").read_text().splitlines(), 1)
    return [Planted(found[1], found[2], number) for number, line in lines if (found := MARK.search(line))]


def place(line: dict[str, Any]) -> tuple[str, int] | None:
    where = line.get("where")
    return (where["file"].rpartition("/")[2], where["line"]) if where else None


def alarms(run: Run) -> list[dict[str, Any]]:
    """Every warning and error that is not of the fault that was planted."""
    guilty = {(one.code, ("leaks.py", one.line)) for one in planted() if one.leak == run.leak}
    loud = [line for line in run.said if line["level"] != "info" and line["code"] not in ("AW000", "AW099")]
    loud = [line for line in loud if line["code"] not in CONSEQUENCES.get(run.leak, ())]
    return [line for line in loud if (line["code"], place(line)) not in guilty]


def missed(run: Run) -> list[Planted]:
    told = {(line["code"], place(line)) for line in run.said if line["level"] != "info"}
    mine = [one for one in planted() if one.leak == run.leak]
    return [one for one in mine if (one.code, ("leaks.py", one.line)) not in told]


def sizes(probe: dict[str, Any]) -> dict[str, int]:
    return {**probe["ours"]["lengths"], **probe["ours"]["objects"]}


def growth(run: Run) -> list[str]:
    """What of ours grew from the first quiet moment to the last, beyond what tasks live and what has a bound."""
    if run.profile is None or len(run.probes) < 2:
        return []
    first, last = run.probes[0], run.probes[-1]
    allowed = SLACK + max(0, last["tasks"] - first["tasks"])
    before = sizes(first)
    return [
        f"{name} grew from {before.get(name, 0)} to {count}"
        for name, count in sizes(last).items()
        if count - before.get(name, 0) > allowed and "(at most " not in name
    ]


def memory(run: Run) -> int:
    """Bytes by which the process grew after its first phase."""
    return int(run.probes[-1]["rss"] - run.probes[0]["rss"]) if run.probes else 0


def broken(run: Run) -> Iterator[str]:
    """What makes a run no evidence."""
    if run.errors:
        yield run.errors
    elif run.status not in ENDED:
        yield f"the service ended with status {run.status}"
    if run.profile is not None and (not run.said or run.said[-1]["code"] != "AW099"):
        yield "it was not watched to its end"
    if not run.leak:
        yield from run.wrong
