"""Names made by an enemy: of tasks, coroutines, files, threads and exceptions. A finding stays one line of bounded size."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import LOOPS, RUN, Run, run_python

from asyncwatch.sinks import text

NAMES = {
    "line": '"}\n{"timestamp": "2026-01-01T00:00:00.000000Z", "code": "AW666"}\r\n',
    "escapes": "\x1b[2J\x1b]0;title\x07\x1b[31m\x9b31m\x00\x08",
    "separators": "\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e\u202e\u2066",
    "surrogate": "\ud800\udfff \\ud800 \\",
    "long": "name " * 2_000_000,
    "astral": "\U0001f600" * 100_000,
}

PROGRAM = (
    RUN
    + """
import gc

BAD = eval(open("name").read())

class Failed(Exception):
    pass

Failed.__qualname__ = Failed.__name__ = BAD.replace("\\x00", "").encode("utf-8", "replace").decode()

async def plain(kind):
    await asyncio.sleep(0.05)
    raise Failed(BAD)

def slow():
    time.sleep(0.25)

def renamed(function):
    code = function.__code__.replace(co_name=BAD, co_qualname=BAD, co_filename="/app/" + BAD)
    function.__code__ = code
    function.__name__ = function.__qualname__ = BAD
    return function

renamed(plain), renamed(slow)

def refuse():
    raise Failed(BAD)

async def main():
    threading.current_thread().name = BAD
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(plain(1), name=BAD)
    loop.call_soon(refuse)
    loop.call_soon(slow)
    await asyncio.sleep(0.2)
    del task
    gc.collect()
    plain(2)
    asyncio.current_task().set_name(BAD)
    slow()
    await asyncio.sleep(0.2)
    asyncio.create_task(asyncio.sleep(60), name=BAD)
    await asyncio.sleep(0.7)

run(main())
"""
)


@pytest.fixture(params=sorted(NAMES))
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    (tmp_path / "name").write_text(ascii(NAMES[request.param]))
    return str(request.param)


def watched(path: Path, folder: Path, *options: str, kind: str = "asyncio") -> tuple[Run, bytes]:
    own = ["-m", "asyncwatch", "--output", "out", "--level", "info", *options]
    run = run_python(*own, str(path), kind, cwd=folder)
    return run, (folder / "out").read_bytes()


@pytest.mark.parametrize("profile", ["light", "debug"])
def test_a_finding_is_one_line_of_json(name: str, program: Any, tmp_path: Path, profile: str) -> None:
    """Each line is JSON, none was made by a name, none is longer than agents take, and nothing in it ends a line."""
    run, out = watched(program(PROGRAM), tmp_path, "--profile", profile, kind=LOOPS[-1])
    assert run.status == 0, run.err[-2000:]
    lines = [json.loads(line) for line in out.split(b"\n")[:-1]]
    codes = {line["code"] for line in lines}
    assert codes >= {"AW000", "AW099", "AW101", "AW201", "AW204", "AW301", "AW403"}
    assert not codes & {"AW001", "AW666"}
    assert len(out.decode().splitlines()) == len(lines)
    assert max(map(len, out.split(b"\n"))) < 20_000
    assert not any(char < 0x20 for char in out.replace(b"\n", b""))
    assert not text._UNSAFE.search(out.decode())


def test_the_console_is_not_painted(name: str, program: Any, tmp_path: Path) -> None:
    """Text for people has printable characters and our own newlines alone, and stays short."""
    run, out = watched(program(PROGRAM), tmp_path, "--profile", "light", "--format", "console")
    assert run.status == 0, run.err[-2000:]
    shown = out.decode()
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert all(re.match(r"AW[1-4]\d\d [a-z-]+ |asyncwatch: |  +\S", line) for line in shown.splitlines())
    assert shown.count("\nasyncwatch: ") == 1
    assert max(map(len, shown.splitlines())) < 5_000


EVENT = {"timestamp": "t", "level": "error", "code": "AW101", "rule": "r", "event": "e", "where": {"file": "f"}}
EVENT |= {"stack": [], "task": {}, "evidence": {}, "fingerprint": "f", "count": 1, "pid": 1}


@pytest.mark.parametrize(
    "evidence",
    [
        {"stacks": [["frame" * 100] * 128] * 50},
        {"text": "\x00" * 1_000_000},
        {"text": "\u2028" * 1_000_000},
        {str(number): "value" * 50 for number in range(10_000)},
        {"deep": [[[["x" * 10_000] * 30] * 30] * 30]},
    ],
    ids=["stacks", "zeros", "separators", "keys", "deep"],
)
def test_a_line_is_cut_before_agents_do_it(evidence: dict[str, Any]) -> None:
    """Whatever a finding holds its line is JSON of at most 64 K characters, with its first keys, and says that it was cut."""
    line = text._dumps({**EVENT, "evidence": evidence})
    assert len(line) <= text.LONGEST
    found = json.loads(line)
    assert found["cut"] is True
    assert found.items() >= {key: EVENT[key] for key in text._CORE}.items()


def test_a_line_of_usual_length_is_not_cut() -> None:
    """A stack of 128 frames with usual names is kept whole."""
    frame = {"file": "/srv/app/shop/services/orders.py", "line": 412, "function": "charge_the_customer"}
    found = json.loads(text._dumps({**EVENT, "stack": [frame] * 128}))
    assert found == {**EVENT, "stack": [frame] * 128}


# -- the source that is shown --

NO_SOURCE = """
import os, time, asyncio

async def main():
    await asyncio.sleep(0.05)
    for place in ({places}):
        os.makedirs("far", exist_ok=True)
        exec(compile("def slow():\\n time.sleep(0.2)\\n", place, "exec"), globals())
        slow()
        await asyncio.sleep(0.05)

os.mkfifo("fifo")
open("long.py", "w").write("x" * 3_000_000 + "\\nsecond = '" + "y" * 900_000 + "'")
asyncio.run(main())
"""


def test_code_may_claim_to_come_from_any_file(program: Any, tmp_path: Path) -> None:
    """Code whose file is a device without end, a FIFO, a directory or a line of megabytes is reported without delay."""
    places = ["/dev/zero", str(tmp_path / "fifo"), str(tmp_path / "far"), "long.py", "/proc/self/mem", "a\0b"]
    path = program(NO_SOURCE.replace("{places}", ", ".join(map(repr, places[:-1]))))
    run, out = watched(path, tmp_path, "--profile", "light", "--format", "console")
    assert run.status == 0, run.err
    assert out.count(b"AW101 slow-callback step") == len(places) - 1
    assert max(map(len, out.splitlines())) < 5_000
