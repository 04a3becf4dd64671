"""What several test files share: the victims, their marks, and how a program is run with and without us.

`scripts/test` runs the tests in several processes at once (pytest-xdist), in any order. A run of a program that several
tests look at is asked of `runs`: whichever process is first makes it, the others read what came of it. A test that
judges time may have the machine to itself, see turns.py.
"""

from __future__ import annotations

import dataclasses
import fcntl
import importlib.util
import json
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import turns

from asyncwatch.hooks import twins

HERE = Path(__file__).parent
ROOT = HERE.parent
SRC = ROOT / "src"
VICTIMS = HERE / "victims"

# The loops that a program under test can be told to run on, by its first argument, and how it obeys.
LOOPS = ["asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])
each_loop = pytest.mark.parametrize("kind", LOOPS)
# What is compiled where that was possible has a twin in Python; a program is told which by its environment.
PURE = {"python": {"ASYNCWATCH_PURE": "1"}, "c": {"ASYNCWATCH_PURE": "0"}}
COMPILED = twins.COMPILED is not None
RUN = """
import asyncio, ctypes, faulthandler, os, re, signal, sys, threading, time
if sys.argv[1] == "uvloop":
    import uvloop as loops
else:
    import asyncio as loops

def run(coro):
    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        return runner.run(coro)
"""

_MARKS = re.compile(r"#\s(?:<-\s)?((?:\s*AW\d{3}\??(?:\[\w+\])?)+)$")
_MARK = re.compile(r"(AW\d{3})(\??)(?:\[(\w+)\])?")


@dataclasses.dataclass(frozen=True)
class Victim:
    """A small program, and what is to be said of it.

    A line's mark is `# AW101`; `# AW101[light]` holds in one profile only; `# AW101?` may be said and need not be.
    `# no line: AW101?` at the top is for findings without a line; `# needs: 3.12` and `# needs module: x, y` say
    what the program cannot run without; `# options: --hang-after 1` are options it is run with.
    """

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def text(self) -> str:
        return self.path.read_text()

    def marks(self, profile: str) -> tuple[set[tuple[str, int | None]], set[tuple[str, int | None]]]:
        """What must be said in this profile, and what may be."""
        must: set[tuple[str, int | None]] = set()
        may: set[tuple[str, int | None]] = set()
        for number, line in enumerate(self.text.splitlines(), 1):
            nowhere = line.startswith("# no line:")
            found = _MARKS.search(line.replace("# no line:", "#"))
            for code, optional, only in _MARK.findall(found.group(1)) if found else ():
                if only in ("", profile):
                    (may if optional else must).add((code, None if nowhere else number))
        return must, may

    @property
    def options(self) -> list[str]:
        """Options of ours that the program is run with."""
        found = re.search(r"^# options: (.+)", self.text, re.M)
        return found.group(1).split() if found else []

    def why_not(self) -> str:
        """Why this interpreter cannot run it; empty where it can."""
        needs = re.search(r"^# needs: 3\.(\d+)", self.text, re.M)
        if needs and sys.version_info < (3, int(needs.group(1))):
            return f"needs Python 3.{needs.group(1)}"
        modules = re.search(r"^# needs module: (.+)", self.text, re.M)
        for module in modules.group(1).split(", ") if modules else ():
            if importlib.util.find_spec(module) is None:
                return f"needs {module}"
        return ""


ALL_VICTIMS = [Victim(path) for path in sorted(VICTIMS.glob("[!_]*.py"))]


@dataclasses.dataclass(frozen=True)
class Run:
    """What one process left behind."""

    status: int
    out: str
    err: str
    lines: tuple[dict[str, Any], ...] = ()

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The lines that are about the program."""
        return [line for line in self.lines if line["code"] not in ("AW000", "AW099")]


@pytest.fixture(params=["python", pytest.param("c", marks=pytest.mark.skipif(not COMPILED, reason="not compiled here"))])
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each twin of what is compiled, for watches that the test makes in this process; `PURE[twin]` is for others."""
    if request.param == "python":
        monkeypatch.setattr(twins, "COMPILED", None)
    return str(request.param)


def is_busy() -> bool:
    """Whether more wants to run on this machine than it has CPUs, other tests of ours among it."""
    return "PYTEST_XDIST_WORKER" in os.environ or os.getloadavg()[0] > (os.cpu_count() or 1)


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment without what would steer Python or asyncwatch, but for the twin that a whole run chooses."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ASYNCWATCH", "PYTHON"))}
    kept.update((key, os.environ[key]) for key in ("ASYNCWATCH_PURE",) if key in os.environ)
    return {**kept, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1", **more}


def run_python(*args: str, cwd: Path, timeout: float = 60, **environment: str) -> Run:
    """Run this interpreter on `args`."""
    done = subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def run_watched(
    program: Path, *args: str, folder: Path, profile: str = "light", options: Sequence[str] = (), **environment: str
) -> Run:
    """Run a program as `python -m asyncwatch` does, its findings written to a file in `folder`."""
    output = folder / f"{program.stem}-{profile}-{'-'.join(args)}.jsonl"
    own = ["-m", "asyncwatch", "--profile", profile, "--format", "json", "--output", str(output), *options]
    run = run_python(*own, str(program), *args, cwd=folder, **environment)
    text = output.read_text() if output.exists() else ""
    return dataclasses.replace(run, lines=tuple(json.loads(line) for line in text.splitlines() if line.startswith("{")))


class Runs:
    """Runs that several tests look at, kept in files so that each is made once however many processes test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept = folder / "kept"
        self._kept.mkdir(parents=True, exist_ok=True)

    def get(self, *key: str, make: Callable[[], Run]) -> Run:
        """The run of this name, made by the first who asks; who asks meanwhile waits for it. Tried again is run again."""
        if _attempt > 1:
            return make()
        with (self._kept / "-".join(key)).open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            pickled = file.read()
            if not pickled:
                pickled = pickle.dumps(make())
                file.write(pickled)
        run: Run = pickle.loads(pickled)
        return run


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    own = tmp_path_factory.getbasetemp()
    # A process of several has a folder of its own, in the folder of all.
    return Runs((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "runs")


@pytest.fixture
def program(tmp_path: Path) -> Any:
    """Write a program; returns its path."""

    def write(text: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background job, and inherited
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "alone: while this test runs, no test of another process does")


# Most tests start programs and judge what happens in real time on the machine as it is. When other tests run beside, or
# more than there are CPUs for, one that fails is tried again, twice at most and with the machine to itself; what is
# wrong stays wrong, and what was tried again is listed at the end of the run.
BUSY = "'PYTEST_XDIST_WORKER' in os.environ or os.getloadavg()[0] > os.cpu_count()"
_attempt = 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1, condition=BUSY))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    global _attempt
    _attempt = getattr(item, "execution_count", 1)
    if _attempt > 1:
        turns.begin(by_itself=True)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for report in terminalreporter.stats.get("rerun", ()):
        crash = getattr(report.longrepr, "reprcrash", None)
        terminalreporter.write_line(f"TRIED AGAIN {report.nodeid}: {crash.message[:600] if crash else report.longrepr}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    by_itself = item.get_closest_marker("alone") is not None
    turns.begin(by_itself=by_itself)
    try:
        return (yield)
    finally:
        # Tests in a row that are alone go on without a gap, for which the others would have to wait again.
        if not by_itself or nextitem is None or nextitem.get_closest_marker("alone") is None:
            turns.end()
