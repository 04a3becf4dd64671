"""Loops that never come back: the evidence is out while it lasts, and the program dies as it would without us."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import RUN, clean_environment, each_loop, run_watched

from asyncwatch import env

needs_dumps = pytest.mark.skipif(bool(env.why_no_dumps()), reason=env.why_no_dumps() or "-")

# Each hangs at the line marked; the first lets other threads run, the others hold the GIL.
HANGS = {
    "lock": "async def hang():\n    lock = threading.Lock()\n    lock.acquire()\n    lock.acquire()  # here\n",
    "regex": "async def hang():\n    re.match('(a+)+$', 'a' * 60 + 'b')  # here\n",
    "power": "async def hang():\n    return 3 ** (1 << 34)  # here\n",
    "native wait": "async def hang():\n    pause = ctypes.PyDLL(None).pause\n    pause()  # here\n",
}
END = """
async def main():
    await asyncio.sleep(0.1)
    print("begins", flush=True)
    await hang()

run(main())
"""
PATIENCE = 40.0


def line_of(program: Path) -> int:
    return next(number for number, line in enumerate(program.read_text().splitlines(), 1) if line.endswith("# here"))


def hang(program: Path, kind: str, output: Path, *wanted: str) -> tuple[str, int]:
    """Start a program that hangs, wait until its output has what is wanted, end it; its output and exit status."""
    options = ["--profile", "light", "--format", "json", "--hang-after", "0.5", "--output", str(output)]
    process = subprocess.Popen(
        [sys.executable, "-m", "asyncwatch", *options, str(program), kind],
        cwd=program.parent,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    text, end = "", time.monotonic() + PATIENCE
    while not all(part in text for part in wanted) and time.monotonic() < end:
        time.sleep(0.1)
        text = output.read_text() if output.exists() else ""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    return text, process.returncode


@each_loop
def test_a_hang_is_said_while_it_lasts(program: Any, tmp_path: Path, kind: str) -> None:
    """A loop that waits for a lock for ever is reported with its line before the program is killed."""
    path = program(RUN + HANGS["lock"] + END)
    text, status = hang(path, kind, tmp_path / "out", '"AW102"')
    (finding,) = [one for one in map(json.loads, text.splitlines()) if one["code"] == "AW102"]
    assert (finding["level"], finding["where"]["line"]) == ("error", line_of(path))
    assert finding["evidence"]["ended"] is False
    assert status == -signal.SIGTERM


@needs_dumps
@pytest.mark.parametrize("what", ["regex", "power", "native wait"])
@each_loop
def test_a_hang_with_the_gil_reaches_the_output(program: Any, tmp_path: Path, kind: str, what: str) -> None:
    """While native code holds the GIL for ever the stack with its line is on the output, and SIGTERM still kills."""
    path = program(RUN + HANGS[what] + END)
    here = f'File "{path}", line {line_of(path)} in hang'
    text, status = hang(path, kind, tmp_path / "out", here)
    assert here in text
    assert "asyncwatch" in text  # our own threads are in the dump as well: it is of all
    assert status == -signal.SIGTERM


@needs_dumps
@each_loop
def test_a_hang_with_the_gil_that_ends_is_told_with_its_length(program: Any, tmp_path: Path, kind: str) -> None:
    """After native code has let go, AW102 tells of it as ended and AW101 at level info how long it was."""
    source = """
import time
async def main():
    await asyncio.sleep(0.1)
    wait = ctypes.PyDLL(None).usleep
    began = time.monotonic()
    wait(900_000)  # here
    print(time.monotonic() - began)
    await asyncio.sleep(0.1)

run(main())
"""
    path = program(RUN + source)
    run = run_watched(path, kind, folder=tmp_path, options=("--hang-after", "0.5"))
    held = float(run.out)
    found = {one["code"]: one for one in run.findings}
    assert [one["where"]["line"] for one in found.values()] == [line_of(path)] * 2
    assert (found["AW102"]["level"], found["AW102"]["evidence"]["ended"]) == ("error", True)
    assert (found["AW101"]["level"], found["AW101"]["evidence"]["cause"]) == ("info", "gil")
    evidence = found["AW101"]["evidence"]
    assert abs(evidence["duration"] - held) <= max(0.1 * held, evidence.get("uncertainty", 0.0))


def test_a_program_that_was_stopped_is_not_hung(program: Any, tmp_path: Path) -> None:
    """Stopped for longer than `hang-after` and continued, a healthy program is not reported."""
    source = """
import os, signal, subprocess
async def main():
    stop = f"kill -STOP {os.getpid()}; sleep 1; kill -CONT {os.getpid()}"
    await asyncio.sleep(0.1)
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", stop)
    await process.wait()
    await asyncio.sleep(0.1)

run(main())
"""
    run = run_watched(program(RUN + source), "asyncio", folder=tmp_path, options=("--hang-after", "0.5"))
    assert [one["event"] for one in run.findings if one["level"] != "info"] == []
