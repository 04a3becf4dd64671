"""The sinks: one line is one line, a terminal is not painted by names, and the program's logging is its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import clean_environment

from asyncwatch import sinks
from asyncwatch.config import Config, ConfigError
from asyncwatch.detectors import CODES, aw000_watching, aw099_summary, aw101_slow_callback
from asyncwatch.events import LoopFacts, ParentFacts, TaskFacts
from asyncwatch.findings import Finding
from asyncwatch.frames import Frame, Scope
from asyncwatch.sinks import output as output_module
from asyncwatch.sinks.console import Console
from asyncwatch.sinks.output import FdOutput, FileOutput, Lines

LOOP = LoopFacts("uvloop.Loop", "MainThread", 1)
HOSTILE = ["two\nlines", "\r\x1b[31mred\x1b[0m", "\ud800 surrogate", "\u2028\u0085 separators", "\x00\x07", "x" * 10_000, ""]


def finding(name: str = "worker-3", level: str = "warning", file: str = "/app/shop/orders.py") -> Finding:
    where = Frame(file, 41, name)
    task = TaskFacts(name, name, (), ParentFacts(name, name))
    stack = (Frame(file, 12, "main"), where)
    rule = aw101_slow_callback.RULE
    return Finding(rule, level, f"step of task {name!r}", where, stack, task, {"exception": name}, LOOP)


def write(path: Path, *findings: Finding, **settings: object) -> bytes:
    """What a file output holds after these findings."""
    (sink,) = sinks.build(Config(output=(str(path),), **settings), Scope())  # type: ignore[arg-type]
    for one in findings:
        sink.write(one, 1)
    sink.close()
    return path.read_bytes()


# -- JSON lines --


def test_the_keys_stand_in_the_contracts_order(tmp_path: Path) -> None:
    """A JSON line begins with timestamp, level, code, rule, event and has no key of the logger's own."""
    line = json.loads(write(tmp_path / "out", finding(), format="json"))
    assert list(line) == [
        "timestamp", "level", "code", "rule", "event", "where", "stack", "task",
        "evidence", "fingerprint", "count", "pid", "thread", "loop",
    ]  # fmt: skip
    assert line["where"] == {"file": "/app/shop/orders.py", "line": 41, "function": "worker-3"}
    assert (line["level"], line["pid"], line["count"]) == ("warning", os.getpid(), 1)
    assert (line["thread"], line["loop"]) == ("MainThread", "uvloop.Loop")
    assert line["task"] == {"name": "worker-3", "coro": "worker-3", "parent": {"name": "worker-3", "coro": "worker-3"}}


def test_what_is_not_there_is_absent(tmp_path: Path) -> None:
    """Without place, stack, task and loop the keys are absent, not null."""
    bare = Finding(aw099_summary.RULE, "info", "nothing found")
    line = json.loads(write(tmp_path / "out", bare, format="json"))
    assert list(line) == ["timestamp", "level", "code", "rule", "event", "evidence", "fingerprint", "count", "pid"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_one_finding_is_one_line_whatever_the_names(tmp_path: Path, name: str) -> None:
    """Names with newlines, control characters, lone surrogates or great length make one line of valid JSON."""
    written = write(tmp_path / "out", finding(name), finding("next"), format="json")
    first, second, end = written.split(b"\n")
    assert end == b""
    assert b"\x1b" not in first
    assert json.loads(first)["code"] == "AW101"
    assert json.loads(second)["task"]["name"] == "next"


def test_unprintable_evidence_does_not_break_the_line(tmp_path: Path) -> None:
    """Evidence that JSON has no form for is written as text."""
    odd = Finding(aw099_summary.RULE, "info", "x", evidence={"set": frozenset({1}), "path": Path("a")})
    assert json.loads(write(tmp_path / "out", odd, format="json"))["evidence"]["path"] == "a"


def test_files_are_appended_to(tmp_path: Path) -> None:
    """A second process adds its lines to the file of the first."""
    path = tmp_path / "out"
    write(path, finding(), format="json")
    assert write(path, finding(), format="json").count(b"\n") == 2


def test_an_output_that_cannot_be_opened_is_one_clear_error(tmp_path: Path) -> None:
    """An output in a folder that is not there is refused with its name before the program starts."""
    with pytest.raises(ConfigError, match="absent"):
        sinks.build(Config(output=(str(tmp_path / "absent" / "out"),)), Scope())


def test_the_same_output_twice_is_one(tmp_path: Path) -> None:
    """An output named twice is opened once."""
    built = sinks.build(Config(output=(str(tmp_path / "a"), str(tmp_path / "a"))), Scope())
    assert len(built) == 1
    built[0].close()


# -- console --


def console(one: Finding, count: int = 1, *, colour: bool = False) -> str:
    return Console(Scope(), colour=colour).render(one, count, "")


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_the_terminal_gets_no_control_character_of_the_programs(name: str) -> None:
    """No name of the program's brings a control character, an escape or a line of its own to the terminal."""
    plain = console(finding())
    text = console(finding(name, file=f"/app/{name}.py"))
    assert all(char.isprintable() or char == "\n" for char in text)
    assert text.count("\n") == plain.count("\n")


def test_the_console_shows_the_line_of_source(tmp_path: Path) -> None:
    """A warning has the condition, the place as editors take it, and the source line."""
    file = tmp_path / "orders.py"
    file.write_text("\n" * 40 + "    time.sleep(1)\n")
    text = console(finding(file=str(file)))
    assert "AW101 slow-callback step of task" in text
    assert "orders.py:41 in worker-3" in text
    assert "time.sleep(1)" in text
    assert "task 'worker-3' runs worker-3, by task 'worker-3'" in text


def test_a_repeated_finding_says_how_often() -> None:
    """The tenth of its kind says that it was seen ten times, the first says nothing of the sort."""
    assert "(seen 10 times)" in console(finding(), 10)
    assert "seen" not in console(finding(), 1)


def test_colour_is_the_terminals_only() -> None:
    """Colour codes are there when asked for and not otherwise."""
    assert "\x1b[" in console(finding(), colour=True)
    assert "\x1b[" not in console(finding())


def test_the_summary_counts_by_rule_and_says_what_was_not_seen() -> None:
    """The summary has a row for each rule and a sentence for each shortcoming."""
    totals = {
        "findings": {"AW101": 12, "AW201": 1},
        "levels": {"warning": 9, "info": 4},
        "seconds": 3.21,
        "loops": 2,
        "dropped_events": 7,
        "unexplained_pauses": 2,
        "longest_unexplained_pause": 0.5,
        "in_baseline": 3,
    }
    text = console(Finding(aw099_summary.RULE, "info", "x", evidence=totals))
    rows = text.splitlines()
    assert rows[0] == "asyncwatch: 3.2 s watched, 2 loops"
    assert rows[1].split()[:4] == ["12", "x", "AW101", "slow-callback:"]
    assert "4 of these are level info" in text
    assert "7 events were dropped" in text
    assert "2 pauses" in text
    assert "0.50 s" in text
    assert "3 more are in the baseline" in text


def test_a_clean_run_is_one_line() -> None:
    """A summary without findings is one line that says so."""
    totals = {"findings": {}, "levels": {}, "seconds": 1.0, "loops": 1, "dropped_events": 0}
    assert console(Finding(aw099_summary.RULE, "info", "x", evidence=totals)) == (
        "asyncwatch: 1.0 s watched, 1 loop, nothing found"
    )


def test_every_rule_has_a_row_in_the_summary() -> None:
    """Whatever rule is counted, the summary can name it."""
    totals = {"findings": dict.fromkeys(sorted(CODES), 1)}
    text = console(Finding(aw099_summary.RULE, "info", "x", evidence=totals))
    assert all(code in text for code in CODES)


def test_the_console_does_not_announce(tmp_path: Path) -> None:
    """People are not shown AW000; machines are."""
    begin = Finding(aw000_watching.RULE, "info", "watching")
    assert write(tmp_path / "a", begin, format="console") == b""
    assert write(tmp_path / "b", begin, format="json") != b""


@pytest.fixture
def terminal() -> Iterator[int]:
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    yield follower
    os.close(leader)
    os.close(follower)


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_is_told_from_a_pipe(
    terminal: int, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], coloured: bool
) -> None:
    """In format auto a terminal gets console text, coloured unless NO_COLOR or a dumb terminal says no."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (sink,) = sinks.build(Config(output=(os.ttyname(terminal),)), Scope())
    assert sink.level == 30
    assert sink._console is not None
    assert sink._console._colour is coloured
    sink.close()


def test_a_file_gets_json_and_every_level(tmp_path: Path) -> None:
    """In format auto what is no terminal gets JSON lines of every level."""
    (sink,) = sinks.build(Config(output=(str(tmp_path / "out"),)), Scope())
    assert (sink.level, sink._console) == (20, None)
    sink.close()


# -- the host's structlog --

HOST = """
import json, sys
import structlog

heard = []

def hostile(logger, method, event):
    heard.append(event)
    raise RuntimeError("the host's processor")

class Hostile:
    def __init__(self, *args, **kwargs):
        raise RuntimeError("the host's class")

structlog.configure(processors=[hostile], wrapper_class=Hostile, context_class=Hostile,
                    logger_factory=Hostile, cache_logger_on_first_use=True)
structlog.contextvars.bind_contextvars(secret="of the host")
before = structlog.get_config()

import asyncio, time, asyncwatch

async def main():
    await asyncio.sleep(0.1)
    time.sleep(0.3)
    await asyncio.sleep(0.1)

with asyncwatch.watch(format="json", output=(sys.argv[1],)) as watch:
    asyncio.run(main())
    watch.flush()
assert structlog.get_config() == before
print(len(heard))
"""


def test_a_hostile_host_configuration_neither_hears_nor_breaks(tmp_path: Path) -> None:
    """A host that configured structlog to raise at everything hears nothing of us, and we still write our lines."""
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", HOST, str(out)], env=clean_environment(), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["code"] for line in lines] == ["AW000", "AW101", "AW099"]
    assert "of the host" not in out.read_text()


def test_our_logger_does_not_configure_structlog(tmp_path: Path) -> None:
    """After a line of ours structlog still is unconfigured."""
    import structlog

    write(tmp_path / "out", finding(), format="json")
    assert not structlog.is_configured()


# -- outputs --


def test_a_closed_descriptor_is_refused(tmp_path: Path) -> None:
    """When the program closed our descriptor a write raises and closing does no harm."""
    out = FileOutput(str(tmp_path / "out"))
    os.close(out._fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        out.write(b"x")


def test_a_reused_descriptor_is_not_written_to(tmp_path: Path) -> None:
    """When the program's own file took our descriptor's number, nothing of ours is written or closed there."""
    out = FileOutput(str(tmp_path / "ours"))
    os.close(out._fd)
    theirs = os.open(tmp_path / "theirs", os.O_WRONLY | os.O_CREAT)
    try:
        if theirs != out._fd:
            os.dup2(theirs, out._fd)
        with pytest.raises(OSError, match="closed this file"):
            out.write(b"x")
        out.close()
        assert os.fstat(out._fd)
        assert (tmp_path / "theirs").read_bytes() == b""
    finally:
        os.close(theirs)


def test_standard_error_is_not_ours_to_close() -> None:
    """Closing the stderr output leaves the descriptor open."""
    reader, writer = os.pipe()
    out = FdOutput(writer)
    out.write(b"x")
    out.close()
    os.close(writer)
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    assert FdOutput(writer).is_terminal() is False


def test_a_full_pipe_is_waited_for() -> None:
    """A full non-blocking pipe gets everything, in order, once its reader reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = bytes(range(256)) * 2048
    received = bytearray()

    def drain() -> None:
        while len(received) < len(data):
            received.extend(os.read(reader, 65536))

    thread = threading.Thread(target=drain)
    threading.Timer(0.05, thread.start).start()
    Lines().write(writer, data)
    while thread.ident is None:
        pass
    thread.join(10)
    os.close(reader)
    os.close(writer)
    assert bytes(received) == data


@pytest.mark.parametrize("blocking", [True, False])
def test_a_pipe_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch, blocking: bool) -> None:
    """Nobody reads: what was begun waits, the lines after it are lost, none waits for ever; then it goes on, whole."""
    monkeypatch.setattr(output_module, "PATIENCE", 0.05)
    reader, writer = os.pipe()
    os.set_blocking(writer, blocking)
    lines = Lines()
    first = b"1" * 200_000 + b"\n"
    try:
        lines.write(writer, first)
        for _ in range(3):
            with pytest.raises(BlockingIOError):
                lines.write(writer, b"lost\n")
        received = bytearray()
        while not received.endswith(b"again\n"):
            received += os.read(reader, 65536)
            with contextlib.suppress(BlockingIOError):
                lines.write(writer, b"again\n")
        assert received.startswith(first)
        assert set(bytes(received[len(first) :]).split()) == {b"again"}
    finally:
        os.close(reader)
        os.close(writer)


def test_a_reader_that_is_gone_is_not_written_to() -> None:
    """A pipe without a reader raises and sends no SIGPIPE, which a program may have made deadly."""
    reader, writer = os.pipe()
    os.close(reader)
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with pytest.raises(BrokenPipeError):
            Lines().write(writer, b"x")
    finally:
        signal.signal(signal.SIGPIPE, before)
        os.close(writer)


def test_a_rest_is_not_the_childs_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a forked child finds of a line that its parent had begun it leaves to the parent."""
    lines = Lines()
    lines._rest = b"half a line of the parent's"
    monkeypatch.setattr(os, "getpid", lambda: 1)
    reader, writer = os.pipe()
    lines.write(writer, b"mine\n")
    assert os.read(reader, 100) == b"mine\n"
    os.close(reader)
    os.close(writer)


def test_standard_error_that_was_closed_is_never_written_to() -> None:
    """A descriptor that was closed when we began is a file of the program's when it is open again."""
    reader, writer = os.pipe()
    os.close(writer)
    out = FdOutput(writer)
    assert os.open(os.devnull, os.O_WRONLY) == writer
    with pytest.raises(OSError, match="closed"):
        out.write(b"x")
    assert out.fileno() is None
    os.close(writer)
    os.close(reader)
