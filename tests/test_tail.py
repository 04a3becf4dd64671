"""`asyncwatch tail`: what others write is shown as it comes, whatever happens to the file meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import clean_environment

from asyncwatch.cli import main as command
from asyncwatch.cli.follow import Followed
from asyncwatch.cli.shown import Shown
from asyncwatch.findings import LEVELS

PATIENCE = 30.0


def line(**more: Any) -> bytes:
    """A line as a run writes it."""
    found = {
        "timestamp": "2026-11-22T10:00:00.000001Z", "level": "warning", "code": "AW101", "rule": "slow-callback",
        "event": "step of task 'a' held the loop for 300 ms", "where": {"file": "/app/shop.py", "line": 6, "function": "charge"},
        "stack": [{"file": "/app/shop.py", "line": 6, "function": "charge"}, {"file": "/lib/x.py", "line": 1, "function": "send"}],
        "task": {"name": "a", "coro": "shop.work", "parent": {"name": "b", "coro": "shop.main"},
                 "created": [{"file": "/app/shop.py", "line": 1, "function": "first"}, {"file": "/app/shop.py", "line": 9, "function": "main"}]},
        "evidence": {"duration": 0.3}, "fingerprint": "AW101:shop.py:charge:6", "count": 10, "pid": 1,
    }  # fmt: skip
    return json.dumps({**found, **more}).encode()


TEXT = """AW101 slow-callback step of task 'a' held the loop for 300 ms  (seen 10 times)
  /app/shop.py:6 in charge
  task 'a' runs shop.work, created at /app/shop.py:9 in main, by task 'b' (shop.main)
    in /lib/x.py:1 in send
"""


def shown(*lines: bytes, level: str = "warning", console: bool = True) -> None:
    out = Shown(console=console, level=LEVELS[level], many=False)
    for one in lines:
        out.show("file", one)


# -- what is shown --


def test_a_line_is_shown_as_the_process_would_have_shown_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The text has count, line, task, creation and library frames; lines of the program's own are passed over."""
    shown(b"GET / 200", line(), b'{"level": "warning"}', b"2026-11-22T10:00:00Z stderr F " + line())
    assert capsys.readouterr().out == TEXT * 2


def test_no_source_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of the same name on this side may be another one, so that its lines are not shown."""
    path = tmp_path / "shop.py"
    path.write_text("secret = 1\n" * 9)
    shown(line(where={"file": str(path), "line": 6, "function": "charge"}, stack=[]))
    assert "secret" not in capsys.readouterr().out


def test_levels_and_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    """What is below the level is left out but for the summary, as on a console."""
    summary = line(
        level="info", code="AW099", rule="summary", evidence={"findings": {"AW101": 3}, "seconds": 2, "loops": 1}
    )
    shown(line(level="info"), line(), summary, level="error")
    assert capsys.readouterr().out.splitlines() == [
        "asyncwatch: 2.0 s watched, 1 loop",
        "       3 x AW101 slow-callback: callbacks or steps held the loop",
    ]


def test_json_is_the_line_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON a line is what it was, without what stood before it, and without those below the level."""
    shown(b"web-1  | " + line(event="\u202ex"), line(level="info"), console=False)
    (text,) = capsys.readouterr().out.splitlines()
    assert json.loads(text) == json.loads(line(event="\u202ex"))
    assert text.isascii()


@pytest.mark.parametrize(
    "more",
    [
        {"code": "AW999", "rule": "of-tomorrow"},
        {"task": 5},
        {"task": {"name": None}},
        {"stack": [{"file": 1}]},
        {"code": "AW099", "rule": "summary", "evidence": {"seconds": "x", "findings": {"AW999": 1}}},
        {"event": "two\nlines \x1b[31m", "code": "AW777"},
        {"evidence": {"raised_at": {"file": 1}}},
    ],
)
def test_a_line_that_is_not_quite_ours_is_one_line_of_text(
    more: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a later version, or made up: it is shown as far as it goes, raises nothing and paints nothing."""
    shown(line(**more))
    out = capsys.readouterr().out
    assert out.startswith(str(more.get("code", "AW101")))
    assert "\x1b" not in out
    assert "two\nlines" not in out


# -- how a file is followed --


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "findings.jsonl"


def read(followed: Followed) -> list[bytes]:
    return list(followed.lines())


def test_a_file_that_comes_later_and_grows(file: Path) -> None:
    """Nothing while there is no file, then each whole line once; half a line waits for its rest."""
    followed = Followed(str(file))
    assert read(followed) == []
    with file.open("wb", buffering=0) as stream:
        stream.write(b"one\ntw")
        assert read(followed) == [b"one"]
        stream.write(b"o\nthree\n")
        assert read(followed) == [b"two", b"three"]
        assert read(followed) == []
    followed.close()


def test_a_file_that_is_replaced_or_cut(file: Path) -> None:
    """What was written last before a rotation is read, then the new file from its start; so is one that was cut."""
    followed = Followed(str(file))
    file.write_bytes(b"one\n")
    assert read(followed) == [b"one"]
    with file.open("ab") as stream:
        stream.write(b"two\n")
    file.rename(f"{file}.1")
    file.write_bytes(b"new\n")
    assert read(followed) == [b"two", b"new"]
    file.rename(f"{file}.2")
    assert read(followed) == []
    file.write_bytes(b"newest\n")
    assert read(followed) == [b"newest"]
    os.truncate(file, 0)
    assert read(followed) == []
    with file.open("ab") as stream:
        stream.write(b"again\n")
    assert read(followed) == [b"again"]
    followed.close()


def test_a_line_without_end_takes_no_memory(file: Path) -> None:
    """Of a line of many megabytes the beginning is kept, and the next one is whole."""
    followed = Followed(str(file))
    file.write_bytes(b"x" * 5_000_000 + b"\nnext\n")
    first, second = read(followed)
    assert len(first) <= 1 << 21
    assert second == b"next"
    followed.close()


# -- the command --


class Tail:
    """A process that follows, and what it has printed."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.out = folder / "printed"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "asyncwatch", "tail", *args],
                cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip

    def until(self, holds: Callable[[str], bool]) -> str:
        end = time.monotonic() + PATIENCE
        while not holds(self.out.read_text()) and time.monotonic() < end:
            time.sleep(0.02)
        return self.out.read_text()

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_two_files_are_followed_until_a_signal(tmp_path: Path, number: int) -> None:
    """Lines come as they are written, under the name of their file; a signal is a good end, without a word."""
    (tmp_path / "a").write_bytes(line() + b"\n")
    tail = Tail(tmp_path, "a", "b", "--format", "console")
    tail.until(lambda text: "==> a <==" in text)
    (tmp_path / "b").write_bytes(line() + b"\n")
    assert tail.until(lambda text: text.count("send") == 2) == f"==> a <==\n{TEXT}==> b <==\n{TEXT}"
    assert tail.end(number) == (0, "asyncwatch: waiting for b\n")


def test_standard_input_is_read_to_its_end(tmp_path: Path) -> None:
    """What a log command pipes in is shown, and the end of it is the end."""
    done = subprocess.run(
        [sys.executable, "-m", "asyncwatch", "tail", "-", "--format=console"],
        cwd=tmp_path, env=clean_environment(), input=b"noise\n" + line() + b"\n", capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, TEXT, b"")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "no file given"),
        (("-", "a"), "standard input is followed alone"),
        (("a", "--format", "xml"), "'xml' is not valid"),
        (("a", "--level", "loud"), "'loud' is not valid"),
        (("a", "--lines", "5"), "does not understand '--lines'"),
        ((".",), "cannot read '.'"),
    ],
)
def test_what_cannot_be_followed_is_one_line(
    args: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong command line, or what is no file, is one line on stderr, and status 2."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        with pytest.raises(SystemExit) as ended:
            command.prepare(["tail", *args])
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.splitlines()) == 1
