"""`asyncwatch report`: many processes' lines as one table, whatever else the files hold."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, run_python, run_watched

from asyncwatch import records
from asyncwatch.cli import report
from asyncwatch.cli.runs import Runs

ORDERS = {"file": "/app/shop/orders.py", "line": 41, "function": "charge"}


def line(code: str = "AW101", second: int = 0, **more: Any) -> dict[str, Any]:
    """A line as a run writes it."""
    rule = {"AW000": "watching", "AW099": "summary", "AW101": "slow-callback"}.get(code, "task-dropped")
    found = {
        "timestamp": f"2026-11-22T10:00:{second:02}.000001Z",
        "level": "info" if code in ("AW000", "AW099") else "warning",
        "code": code,
        "rule": rule,
        "event": f"{rule} was seen",
        "evidence": {},
        "fingerprint": code if code in ("AW000", "AW099") else f"{code}:shop/orders.py:charge:41",
        "count": 1,
        "pid": 7,
    }
    if code not in ("AW000", "AW099"):
        found["where"] = ORDERS
    return {**found, **more}


def read(*files: list[dict[str, Any]]) -> Runs:
    merged = Runs()
    for number, lines in enumerate(files):
        merged.read(f"file {number}", io.BytesIO("".join(json.dumps(one) + "\n" for one in lines).encode()))
    return merged


def counts(merged: Runs) -> list[tuple[int, bool]]:
    return [(place.counts.total(), place.exact) for place in merged.add_up()]


def ended(**evidence: Any) -> dict[str, Any]:
    return line("AW099", 59, evidence=evidence)


def test_equal_findings_of_many_processes_are_one_row() -> None:
    """One row for a fingerprint: counts added, first and last time, processes, the worst duration and its sentence."""
    one = [line("AW000"), line(second=5, evidence={"duration": 0.2}, event="short"), ended()]
    two = [line("AW000", pid=8), line(second=9, evidence={"duration": 0.7}, event="long", pid=8), {**ended(), "pid": 8}]
    (place,) = read(one, two).add_up()
    assert (place.counts.total(), place.exact, place.pids) == (2, True, {7, 8})
    assert (place.first, place.last, place.worst) == ("2026-11-22T10:00:05", "2026-11-22T10:00:09", 0.7)
    assert place.finding["event"] == "long"


def test_counts_are_those_of_the_summary() -> None:
    """A place seen 57 times has lines for 1 and 10, and its count in the summary; without a summary 10 is a lower bound."""
    seen = [line("AW000"), line(), line(count=10)]
    place = {"fingerprint": line()["fingerprint"], "level": "warning", "count": 57}
    assert counts(read([*seen, ended(counts=[place])])) == [(57, True)]
    assert counts(read([*seen, ended()])) == [(10, True)]
    assert counts(read(seen)) == [(10, False)]
    assert counts(read([*seen, ended(counts=[place])], seen)) == [(67, False)]


def test_a_place_is_as_bad_as_its_worst_line() -> None:
    """A line that was once slow for want of a CPU and once by itself is a warning; both are counted."""
    (place,) = read([line(level="info"), line(level="warning", event="by itself"), ended()]).add_up()
    assert (place.level, place.counts) == ("warning", {"info": 1, "warning": 1})
    assert place.finding["event"] == "by itself"


def test_a_process_id_that_is_used_again_is_another_run() -> None:
    """Every container's process is number 7: each first line begins a run; a file without one goes on with the last."""
    run = [line("AW000"), line(), line(count=10)]
    assert counts(read(run, run)) == [(20, False)]
    assert len(read(run, run).runs) == 2
    rotated = read(run, [line(count=100), ended()])
    assert counts(rotated) == [(100, True)]
    assert len(rotated.runs) == 1


def test_what_was_not_said_is_added_up() -> None:
    """What summaries say was dropped, ignored or known already is in the report."""
    merged = read([ended(dropped_events=3, in_baseline=2, ignored={"AW101": 4, "AW2": 1})], [ended(dropped_events=1)])
    assert merged.losses() == {"dropped_events": 4, "ignored": 5, "in_baseline": 2}


ROTTEN = [
    b'{"timestamp": "2026-11-22T10:00:00.000000Z", "level": "warn',
    b'{"timestamp": "\xff"}',
    b'{"timestamp": ' + b"[" * 100_000,
    b'{"timestamp": 7, "code": "AW101"}',
    json.dumps(line(code="<script>")).encode(),
    json.dumps(line(count="many")).encode(),
    json.dumps(line(count=10**400)).encode(),
    json.dumps(line(pid=True)).encode(),
    json.dumps(line(where={"file": 1, "line": 2, "function": "f"})).encode(),
    json.dumps(line(evidence=[])).encode(),
    json.dumps(line(event="x" * (1 << 20))).encode(),
]


@pytest.mark.parametrize("rotten", ROTTEN, ids=range(len(ROTTEN)))
def test_a_rotten_line_is_left_out_and_said(rotten: bytes) -> None:
    """A line of ours that is cut off, damaged, of other types or without end is counted, and the next one is read."""
    good = json.dumps(line()).encode()
    merged = Runs()
    merged.read("a", io.BytesIO(good + b"\n" + rotten + b"\n" + good))
    assert list(merged.complaints()) == ["a: 1 line cannot be read and left out (2)"]
    assert len(merged.places) == 1
    assert counts(merged) == [(1, False)]


def test_other_lines_are_nobodys_business() -> None:
    """The program's own output is passed over, and a container engine's prefix does not hide a line of ours."""
    mixed = b"INFO started\n{}\n[]\n\n{\"msg\": \"theirs\"}\nweb-1  | " + json.dumps(line()).encode() + b"\n"
    assert [one.number for one in records.lines(io.BytesIO(mixed))] == [6]
    nothing = Runs()
    nothing.read("a.log", io.BytesIO(b"INFO started\n"))
    assert list(nothing.complaints()) == ["a.log: no line of asyncwatch's in it; --format json writes them"]


def test_hostile_evidence_breaks_nothing() -> None:
    """Summaries and evidence of any shape make a report."""
    odd: list[Any] = [None, [], {}, "x", -1, 1e400, {"a": []}]
    for value in odd:
        finding = line(evidence=dict.fromkeys(("duration", "lag"), value), level=str(value))
        end = ended(counts=[value], ignored=value, dropped_events=value)
        merged = read([finding, end], [{**end, "evidence": {"counts": [{"fingerprint": value, "count": 3}]}}])
        assert "\n".join(report.table(merged, merged.add_up(), 80))
        assert json.dumps(report.to_dict(merged, merged.add_up()))


def test_names_do_not_paint_the_terminal() -> None:
    """No control character of any name reaches the table."""
    bad = "\x1b[31m\r\n\u2028\u202e\x9b"
    where = {"file": bad, "line": 1, "function": bad}
    merged = read([line(rule=bad, event=bad, fingerprint=f"AW101:{bad}:{bad}:1", where=where, level=bad)])
    text = "\n".join(report.table(merged, merged.add_up(), 80))
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_fits_the_terminal(width: int) -> None:
    """No row is wider than the terminal, where no single name is; what is long goes on in the next row."""
    long = {"fingerprint": "AW101:shop/" + "deep/" * 8 + "orders.py:charge:41", "event": "word " * 60}
    days = [line(timestamp="2026-11-20T10:00:00Z"), line("AW201"), line(**long), line(second=9, count=100_000)]
    merged = read([*days, line("AW000", pid=1)])
    rows = list(report.table(merged, merged.add_up(), width))
    limit = max(width, len(report.HEAD) + 6)
    assert all(len(row) <= max(limit, len(max(row.split(), key=len, default="")) + 10) for row in rows)
    assert "killed or still running: pid 7, 1" in " ".join(" ".join(rows).split())


PROGRAM = """
import asyncio, time

async def main():
    await asyncio.sleep(0.1)
    time.sleep(0.3)
    await asyncio.sleep(0.1)

asyncio.run(main())
"""


def command(*words: str, folder: Path, **environment: str) -> Run:
    return run_python("-m", "asyncwatch", *words, cwd=folder, **environment)


def test_the_report_of_two_workers(program: Any, tmp_path: Path) -> None:
    """Two real runs make one row, as text and as JSON; standard input is read like a file."""
    path = program(PROGRAM)
    workers = [run_watched(path, name, folder=tmp_path) for name in ("a", "b")]
    durations = [found["evidence"]["duration"] for worker in workers for found in worker.findings]
    names = [f"program-light-{name}.jsonl" for name in ("a", "b")]
    done = command("report", *names, folder=tmp_path)
    assert (done.status, done.err) == (0, "")
    rows = done.out.splitlines()
    assert rows[0].startswith("2 files, 2 processes (pid ")
    assert rows[4] == "warning AW101 slow-callback"
    assert rows[5].split()[0] == "2"
    assert rows[5].endswith("  program.py:6 main")
    found = json.loads(command("report", "--format=json", *names, folder=tmp_path).out)
    (row,) = found["findings"]
    assert (row["count"], row["exact"], row["fingerprint"], len(row["pids"])) == (2, True, "AW101:program.py:main:6", 2)
    assert row["worst"] == max(durations)
    assert [one["summary"]["findings"] for one in found["processes"]] == [{"AW101": 1}] * 2
    assert "standard input: no line of asyncwatch's" in command("report", "-", folder=tmp_path).err
    quiet = command("report", "--level", "error", *names, folder=tmp_path)
    assert quiet.out.splitlines()[1:] == ["nothing found"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no file given"),
        (["absent"], "cannot read 'absent'"),
        (["."], "cannot read '.'"),
        (["--format", "xml", "."], "'xml' is not valid"),
        (["--level"], "--level needs a value"),
        (["--fuss", "a"], "does not understand '--fuss'"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    """A missing file, a directory and an unknown flag are one line and status 2."""
    done = command("report", *words, folder=tmp_path)
    assert (done.status, done.err.count("\n"), done.out) == (2, 1, "")
    assert said in done.err
