"""What each profile does to the process before the program's first line, and what is done after its last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from launching.harness import BOOT, SRC, Outcome, python

from asyncwatch.cli import launch

STATE = """
import json, os, sys
print(json.dumps({
    "dev": sys.flags.dev_mode,
    "env": {k: os.environ.get(k) for k in ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE")},
    "private": [k for k in os.environ if k.startswith("_ASYNCWATCH")],
    "argv": sys.argv, "orig": sys.orig_argv, "pid": os.getpid(), "stdin": sys.stdin.read(),
    "session": "asyncwatch.session" in sys.modules,
    "extra": [m for m in ("asyncio", "structlog", "argparse", "asyncwatch.session") if m in sys.modules],
}))
"""
BOTH = {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with a program that says what it was started with."""
    (tmp_path / "app.py").write_text(STATE)
    return tmp_path


def command(*args: str, cwd: Path, **kwargs: object) -> Outcome:
    """`python -m asyncwatch ARGS`."""
    return python("-m", "asyncwatch", *args, cwd=cwd, **kwargs)  # type: ignore[arg-type]


def state(found: Outcome) -> dict[str, object]:
    """What the program said."""
    assert found.status == 0, found.err
    said: dict[str, object] = json.loads(found.out)
    return said


def booted(setup: str, *args: str, cwd: Path, flags: tuple[str, ...] = ()) -> Outcome:
    """As the console script, after `setup` has changed something in the process."""
    return python("-c", f"{setup}\n{BOOT}", *args, cwd=cwd, flags=flags)


def test_debug_is_the_same_process_in_development_mode(here: Path) -> None:
    """The command's default: dev mode on, both variables set, same pid and command line, stdin untouched."""
    args = [sys.executable, "-X", "utf8", "-m", "asyncwatch", "app.py", "a"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ASYNCWATCH"))}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(args, cwd=here, env={**env, "PYTHONPATH": SRC}, text=True, **pipes) as process:
        out, _ = process.communicate("typed", timeout=60)
    said = json.loads(out)
    assert (said["dev"], said["env"], said["private"]) == (True, BOTH, [])
    assert (said["pid"], said["orig"], said["stdin"], said["argv"]) == (process.pid, args, "typed", ["app.py", "a"])


def test_orig_argv_starts_the_program_again_under_asyncwatch(here: Path) -> None:
    """A program that restarts itself by sys.orig_argv, as reloaders do, comes up in the same profile."""
    (here / "app.py").write_text(
        "import os, subprocess, sys\nprint(sys.flags.dev_mode, 'asyncwatch' in sys.modules, flush=True)\n"
        "if 'SECOND' not in os.environ:\n"
        "    subprocess.run(sys.orig_argv, env={**os.environ, 'SECOND': '1'})\n"
    )
    assert command("app.py", cwd=here).out == "True True\nTrue True\n"


@pytest.mark.parametrize("flag", ["-I", "-E"])
def test_debug_uses_an_option_where_variables_are_not_read(here: Path, flag: str) -> None:
    """Under -E and -I the same is had by -X dev, and no variable is left for children that would read it."""
    said = state(booted("", "app.py", cwd=here, flags=(flag,)))
    assert said["dev"] is True
    assert said["env"] == dict.fromkeys(BOTH)
    assert said["private"] == []


@pytest.mark.parametrize(
    "setup",
    [
        "import sys; sys.executable = ''",
        "import os, sys\ndef execv(*a): raise PermissionError(13, 'no')\nos.execv = execv",
        "import os; os.environ['_ASYNCWATCH_EXEC'] = str(os.getpid())",
    ],
    ids=["no executable", "exec fails", "second time"],
)
def test_a_program_runs_where_the_restart_cannot_be_had(here: Path, setup: str) -> None:
    """Without exec the program runs in this process, with asyncio's debug mode, and never in a loop of execs."""
    said = state(booted(setup, "app.py", cwd=here))
    assert (said["dev"], said["env"], said["private"]) == (False, BOTH, [])


def test_a_process_in_development_mode_is_not_started_again(here: Path) -> None:
    """Where dev mode is on already nothing is executed."""
    setup = "import os\ndef execv(*a): os._exit(99)\nos.execv = execv"
    assert state(booted(setup, "app.py", cwd=here, flags=("-X", "dev")))["env"] == BOTH


def test_light_changes_no_flag_and_off_imports_nothing(here: Path) -> None:
    """light: no dev mode, no variable. off: not even our session is imported."""
    light = state(command("--profile", "light", "app.py", cwd=here))
    off = state(command("--profile", "off", "app.py", cwd=here))
    assert (light["dev"], light["env"], light["session"]) == (False, dict.fromkeys(BOTH), True)
    assert (off["dev"], off["env"], off["extra"]) == (False, dict.fromkeys(BOTH), [])


@pytest.mark.parametrize(
    ("args", "env", "session", "dev"),
    [
        ([], {"ASYNCWATCH": "off"}, False, False),
        ([], {"ASYNCWATCH": "1"}, True, False),
        ([], {"ASYNCWATCH_PROFILE": "light"}, True, False),
        ([], {"ASYNCWATCH": "0", "ASYNCWATCH_PROFILE": "light"}, False, False),
        (["--profile", "light"], {"ASYNCWATCH": "off"}, True, False),
        (["--profile=off"], {"ASYNCWATCH": "debug"}, False, False),
        ([], {"ASYNCWATCH": "debug"}, True, True),
    ],
)
def test_the_variable_toggles_an_unchanged_command(
    here: Path, args: list[str], env: dict[str, str], session: bool, dev: bool
) -> None:
    """ASYNCWATCH beats the command's default and pyproject.toml, and an option beats both."""
    (here / "pyproject.toml").write_text("[tool.asyncwatch]\nprofile = 'debug'\n")
    said = state(command(*args, "app.py", cwd=here, env=env))
    assert (said["session"], said["dev"]) == (session, dev)


def test_off_does_not_need_a_configuration_that_can_be_read(here: Path) -> None:
    """off by option or variable starts the program whatever the rest of the configuration says."""
    (here / "pyproject.toml").write_text("[tool.asyncwatch\n")
    bad = {"ASYNCWATCH_LEVEL": "loud"}
    assert command("--profile", "off", "app.py", cwd=here, env=bad).status == 0
    assert command("app.py", cwd=here, env={**bad, "ASYNCWATCH": "off"}).status == 0


def test_a_watch_that_cannot_start_does_not_stop_the_program(here: Path) -> None:
    """A session that raises is one line on stderr, and the program runs."""
    found = booted("import sys; sys.modules['asyncwatch.session'] = None", "--profile=light", "app.py", cwd=here)
    assert state(found)["argv"] == ["app.py"]
    assert found.err.startswith("asyncwatch: cannot watch (")
    assert found.err.count("\n") == 1


STAND_IN = """
import sys, types
class Watch:
    failures = ()
    def __init__(self, config, limits=(), by="install"): pass
    def start(self): pass
    def program_ends(self): pass
    def flush(self, timeout): Watch.failures = ("AW204",)
sys.modules["asyncwatch.session"] = types.SimpleNamespace(Watch=Watch)
"""


@pytest.mark.parametrize(
    ("args", "program", "status"),
    [
        (["--fail-on=AW2"], "", 3),
        (["--fail-on=AW2"], "raise SystemExit", 3),
        (["--fail-on=AW2"], "raise SystemExit(False)", 3),
        (["--fail-on=AW2"], "raise SystemExit(5)", 5),
        (["--fail-on=AW2"], "raise SystemExit('text')", 1),
        (["--fail-on=AW2"], "1 / 0", 1),
        ([], "", 0),
    ],
)
def test_fail_on_changes_the_status_of_a_success_only(
    tmp_path: Path, args: list[str], program: str, status: int
) -> None:
    """Status 3 when the program succeeded and a named rule was seen; the program's own failure stays its own."""
    (tmp_path / "app.py").write_text(program)
    found = booted(STAND_IN, "--profile=light", *args, "app.py", cwd=tmp_path)
    assert found.status == status
    assert (found.err == "asyncwatch: exit status 3, seen: AW204\n") == (status == 3)


def test_the_verdict_waits_for_the_programs_threads(tmp_path: Path) -> None:
    """--fail-on judges when the last non-daemon thread has ended, not before."""
    (tmp_path / "app.py").write_text(
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.3), print('thread'))).start()"
    )
    setup = STAND_IN.replace("Watch.failures =", "print('flush'); Watch.failures =")
    assert booted(setup, "--profile=light", "--fail-on=AW", "app.py", cwd=tmp_path).out == "thread\nflush\n"


def test_doctor_says_where_each_setting_comes_from(tmp_path: Path) -> None:
    """Option, variable, file and default are told apart, and each hook is armed or blind."""
    (tmp_path / "pyproject.toml").write_text("[tool.asyncwatch]\nhang-after = 7\n")
    found = command("--level=error", "doctor", cwd=tmp_path, env={"ASYNCWATCH_PILEUP": "9", "ASYNCWATCH": "1"})
    rows = {line.split()[0]: line.split()[1:] for line in found.out.splitlines() if line}
    assert found.status == 0
    assert rows["level"] == ["error", "command", "line"]
    assert rows["pileup"] == ["9", "environment"]
    assert rows["hang-after"] == ["7.0", "pyproject.toml"]
    assert rows["stuck-after"] == ["30.0", "default"]
    assert rows["tasks"][0] == "armed"


def test_explain_prints_the_page_or_the_table(tmp_path: Path) -> None:
    """A rule is found by code or name; without one every rule is a line."""
    table = command("explain", cwd=tmp_path).out
    assert table.startswith("AW000  watching")
    page = command("explain", "aw101", cwd=tmp_path).out
    assert page == command("explain", "slow-callback", cwd=tmp_path).out
    assert "slow" in page


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["--version"]], ids=" ".join)
def test_help_and_version_are_answers(tmp_path: Path, args: list[str]) -> None:
    """They go to stdout, with status 0."""
    found = command(*args, "no such target", cwd=tmp_path)
    assert (found.status, found.err) == (0, "")
    assert "asyncwatch" in found.out


@pytest.mark.parametrize("fails", [None, ZeroDivisionError, KeyboardInterrupt])
def test_what_was_found_is_said_before_the_report(
    monkeypatch: pytest.MonkeyPatch, fails: type[BaseException] | None
) -> None:
    """The report of an uncaught exception comes after what is still to be said, and comes whatever becomes of that."""
    order = []

    class Watch:
        def flush(self, timeout: float) -> None:
            order.append("said")
            if fails is not None:
                raise fails

    monkeypatch.setattr(sys, "excepthook", lambda *_: order.append("report"))
    watch: Any = Watch()
    launch._hide_our_frames(watch)
    sys.excepthook(ValueError, ValueError(), None)
    assert order == ["said", "report"]
