"""Without the command: `import asyncwatch.auto` and the start-up hook do what ASYNCWATCH says, once, and else nothing."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import ROOT, SRC, clean_environment, each_loop

from asyncwatch.cli import hook
from asyncwatch.cli.options import Command
from asyncwatch.config import ConfigError
from asyncwatch.hooks.imports import Waiting

BLOCKS = """
import asyncio, time
async def main():
    await asyncio.sleep(0.02)
    time.sleep(0.25)
    await asyncio.sleep(0.02)
asyncio.run(main())
print("ended")
"""
OURS = "import sys; print(sorted(n for n in sys.modules if n.partition('.')[0] in ('asyncwatch', 'structlog')))"
Done = subprocess.CompletedProcess[str]


class Environment:
    """A virtual environment that has asyncwatch and, when asked, its hook; not this one, which is not ours to change."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        self.python = str(folder / "bin" / "python")
        self.site = Path(self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
        spec = importlib.util.find_spec("structlog")
        assert spec is not None
        assert spec.origin is not None
        # Sorts as an editable install's does.
        self.path = self.site / "__editable__.pth"
        self.path.write_text(f"{SRC}\n{Path(spec.origin).parent.parent}\n")

    def run(self, *args: str, cwd: Path | None = None, **environment: str) -> Done:
        env = clean_environment(**environment)
        if "PYTHONPATH" not in environment:
            del env["PYTHONPATH"]
        command = [self.python, *args]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("bare") / "venv")


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("hooked") / "venv")
    assert made.run("-m", "asyncwatch", "hook", "install").returncode == 0
    return made


def codes(text: str) -> list[str]:
    return [json.loads(line)["code"] for line in text.splitlines()]


def test_installed_and_removed_without_a_trace(tmp_path: Path) -> None:
    """`hook install` writes three files, `status` has tried them, `remove` leaves the environment as it was."""
    env = Environment(tmp_path / "venv")
    before = sorted(os.listdir(env.site))
    status = env.run("-m", "asyncwatch", "hook", "status")
    assert (status.returncode, status.stdout.splitlines()[0].split(":")[0]) == (1, "not installed")
    for _ in range(2):  # again is no harm
        done = env.run("-m", "asyncwatch", "hook", "install")
        assert (done.returncode, done.stderr) == (0, "")
    assert set(os.listdir(env.site)) == {*before, *hook.FILES}
    status = env.run("-m", "asyncwatch", "hook", "status")
    assert status.returncode == 0
    lines = [" ".join(line.split()) for line in status.stdout.splitlines()]
    assert lines[0] == f"installed in {env.site}"
    assert lines[-5:] == [
        "python starts it",
        "python -E starts it",
        "python -I starts it",
        "python -s starts it",
        "python -S does not start it: no start-up file is read",
    ]
    assert env.run("-m", "asyncwatch", "hook", "remove").returncode == 0
    assert sorted(set(os.listdir(env.site)) - {"__pycache__"}) == before
    assert env.run("-m", "asyncwatch", "hook", "remove").stdout == "there is no hook to remove\n"


def test_the_hook_is_never_shipped() -> None:
    """No start-up file is part of the package, so that no installation brings one."""
    assert [path for path in SRC.rglob("*") if path.suffix in (".pth", ".start")] == []
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    assert (wheel["packages"], "force-include" in wheel) == (["src/asyncwatch"], False)
    assert wheel["hooks"] == {"custom": {"path": "src/compile.py"}}  # which compiles one file, and adds nothing else


@pytest.mark.parametrize("words", [("install",), ("install", "--user"), ("remove",)])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Read-only site-packages: the error says what to do instead, and nothing half-written is left."""

    def refuse(path: str, *args: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    (tmp_path / "asyncwatch_hook.pth").write_text(hook.FILES["asyncwatch_hook.pth"])
    monkeypatch.setattr(hook.site, "getsitepackages", lambda: [str(tmp_path)])
    monkeypatch.setattr(hook.site, "getusersitepackages", lambda: str(tmp_path))
    monkeypatch.setattr(hook.site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(hook.os, "replace", refuse)
    if words == ("remove",):
        monkeypatch.setattr(hook.os, "unlink", refuse)
    with pytest.raises(ConfigError, match="Read-only file system"):
        hook.run(Command({}, "hook", False, False, words))
    assert os.listdir(tmp_path) == ["asyncwatch_hook.pth"]


@pytest.mark.parametrize("words", [[], ["instal"], ["install", "x"], ["status", "--user"]])
def test_words_that_are_not_understood(bare: Environment, words: Sequence[str]) -> None:
    """One line on standard error, exit status 2."""
    done = bare.run("-m", "asyncwatch", "hook", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("value", [None, "", "off", "0", " OFF "])
def test_off_costs_the_look_up_of_a_variable(hooked: Environment, value: str | None) -> None:
    """With the toggle off, neither the hook nor asyncwatch.auto imports anything of ours, and nothing is printed."""
    environment = {} if value is None else {"ASYNCWATCH": value}
    done = hooked.run("-c", OURS, **environment)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    done = hooked.run("-c", "import asyncwatch.auto\n" + OURS, **environment)
    assert (done.stdout, done.stderr) == ("['asyncwatch', 'asyncwatch.auto']\n", "")


@pytest.mark.parametrize("toggle", ["light", "debug"])
@pytest.mark.parametrize("text", ["pass", "import asyncio", "import asyncio; asyncio.new_event_loop", "1 / 0"])
def test_a_program_without_a_loop_hears_nothing(bare: Environment, hooked: Environment, text: str, toggle: str) -> None:
    """What runs no loop prints, and ends, as without the hook."""
    done, expected = (env.run("-c", text, ASYNCWATCH=toggle) for env in (hooked, bare))
    assert (done.returncode, done.stdout, done.stderr) == (expected.returncode, expected.stdout, expected.stderr)


def test_without_asyncio_nothing_is_loaded(hooked: Environment) -> None:
    """Before asyncio is imported there is no thread of ours and no module but the few that wait for it."""
    text = f"import os; print(len(os.listdir('/proc/self/task')))\n{OURS}"
    names = ["asyncwatch", "asyncwatch.hooks", "asyncwatch.hooks.imports", "asyncwatch.startup"]
    assert hooked.run("-c", text, ASYNCWATCH="light").stdout == f"1\n{names}\n"


@pytest.mark.parametrize("flags", [(), ("-I",), ("-E", "-s")])
def test_the_hook_watches_an_unchanged_program(hooked: Environment, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """The blocking line is found, the first line says who began, and the program's own output is its own."""
    (tmp_path / "app.py").write_text(BLOCKS)
    done = hooked.run(*flags, "app.py", cwd=tmp_path, ASYNCWATCH="light")
    assert (done.returncode, done.stdout) == (0, "ended\n")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["code"] for line in lines] == ["AW000", "AW101", "AW099"]
    assert lines[0]["evidence"]["started_by"] == "hook"
    assert lines[1]["where"]["line"] == 5


WAYS = {
    "hook": ([], ""),
    "auto": ([], "import asyncwatch.auto\n"),
    "auto, late": ([], "import asyncio\nimport asyncwatch.auto\n"),
    "command": (["-m", "asyncwatch"], ""),
    "command and auto": (["-m", "asyncwatch"], "import asyncwatch.auto\n"),
}


@pytest.mark.parametrize("way", WAYS)
def test_however_many_ways_meet_it_is_watched_once(hooked: Environment, tmp_path: Path, way: str) -> None:
    """With the hook installed, and any of the others besides, each thing is said once."""
    start, line = WAYS[way]
    (tmp_path / "app.py").write_text(line + BLOCKS)
    done = hooked.run(*start, "app.py", cwd=tmp_path, ASYNCWATCH="light")
    assert (done.returncode, done.stdout, codes(done.stderr)) == (0, "ended\n", ["AW000", "AW101", "AW099"])
    by = json.loads(done.stderr.splitlines()[0])["evidence"]["started_by"]
    assert by == ("command" if start else "hook")


def test_a_command_takes_over_from_a_hook_that_has_begun(hooked: Environment, tmp_path: Path) -> None:
    """Another start-up file imports asyncio first: the command's options hold all the same, the profile off as well."""
    (tmp_path / "app.py").write_text(BLOCKS)
    other = hooked.site / "zz_other.pth"
    other.write_text("import asyncio\n")
    try:
        done = hooked.run("-m", "asyncwatch", "--ignore", "AW101", "app.py", cwd=tmp_path, ASYNCWATCH="light")
        assert codes(done.stderr) == ["AW000", "AW099"]
        done = hooked.run("-m", "asyncwatch", "--profile", "off", "app.py", cwd=tmp_path, ASYNCWATCH="light")
        assert (done.stdout, done.stderr) == ("ended\n", "")
    finally:
        other.unlink()


def test_our_own_subcommands_are_not_watched(hooked: Environment, bare: Environment) -> None:
    """`asyncwatch explain` prints the same with and without the hook."""
    for words in (["explain"], ["explain", "AW101"], ["--help"], ["tree", "1x"]):
        done, expected = (env.run("-m", "asyncwatch", *words, ASYNCWATCH="light") for env in (hooked, bare))
        assert (done.returncode, done.stdout, done.stderr) == (expected.returncode, expected.stdout, expected.stderr)


def test_the_hook_outlives_asyncwatch_without_a_word(tmp_path: Path) -> None:
    """Uninstalled meanwhile, half of it, or another project's by that name: programs run as if there were no hook."""
    env = Environment(tmp_path / "venv")
    assert env.run("-m", "asyncwatch", "hook", "install").returncode == 0
    env.path.unlink()
    (tmp_path / "app.py").write_text(BLOCKS)
    for _ in range(2):
        done = env.run("app.py", cwd=tmp_path, ASYNCWATCH="light")
        assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
        (env.site / "asyncwatch").mkdir(exist_ok=True)
        (env.site / "asyncwatch" / "__init__.py").write_text("1 / 0\n")


def test_a_bad_setting_is_one_line_where_a_program_has_asyncio(hooked: Environment, tmp_path: Path) -> None:
    """A misspelt toggle stops no program, and is said only by those that could be watched."""
    (tmp_path / "app.py").write_text(BLOCKS)
    done = hooked.run("app.py", cwd=tmp_path, ASYNCWATCH="lihgt")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "ended\n", 1)
    assert done.stderr.startswith("asyncwatch: ASYNCWATCH: 'lihgt' is not valid")
    assert hooked.run("-c", "pass", ASYNCWATCH="lihgt").stderr == ""


def test_a_file_of_the_current_directory_steers_no_hook(hooked: Environment, bare: Environment, tmp_path: Path) -> None:
    """pyproject.toml counts for asyncwatch.auto, which the program asked for, and not for the hook."""
    (tmp_path / "pyproject.toml").write_text("[tool.asyncwatch]\noutput = ['elsewhere']\n")
    (tmp_path / "app.py").write_text("import asyncwatch.auto\n" + BLOCKS)
    assert codes(hooked.run("app.py", cwd=tmp_path, ASYNCWATCH="light").stderr) == ["AW000", "AW101", "AW099"]
    assert not (tmp_path / "elsewhere").exists()
    assert bare.run("app.py", cwd=tmp_path, ASYNCWATCH="light").stderr == ""
    assert codes((tmp_path / "elsewhere").read_text()) == ["AW000", "AW101", "AW099"]


def test_debug_without_the_command_says_what_it_lacks(hooked: Environment, tmp_path: Path) -> None:
    """asyncio's debug mode is on, the interpreter's development mode is not, and the first line says so."""
    (tmp_path / "app.py").write_text(
        "import asyncio, sys\nasync def main():\n    print(asyncio.get_running_loop().get_debug(), sys.flags.dev_mode)\n"
        "asyncio.run(main())\n"
    )
    done = hooked.run("app.py", cwd=tmp_path, ASYNCWATCH="debug")
    assert done.stdout == "True False\n"
    first = json.loads(done.stderr.splitlines()[0])
    assert first["evidence"]["hooks"]["profile"].startswith("blind: Python's development mode is off")
    done = hooked.run("-X", "dev", "app.py", cwd=tmp_path, ASYNCWATCH="debug")
    assert "profile" not in json.loads(done.stderr.splitlines()[0])["evidence"]["hooks"]


@pytest.mark.parametrize("toggle", ["off", "light", "debug"])
def test_an_interrupt_is_what_it_was(hooked: Environment, tmp_path: Path, toggle: str) -> None:
    """Ctrl-C ends a program under the hook by the signal, as it does without."""
    (tmp_path / "app.py").write_text(
        "import asyncio\nasync def main():\n    print('up', flush=True)\n    await asyncio.sleep(60)\nasyncio.run(main())\n"
    )
    env = clean_environment(ASYNCWATCH=toggle)
    with subprocess.Popen(
        [hooked.python, "app.py"], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"up\n"
        program.send_signal(signal.SIGINT)
        assert program.wait(30) == -signal.SIGINT


@each_loop
def test_a_loop_that_is_older_than_we_are(bare: Environment, tmp_path: Path, kind: str) -> None:
    """Made before asyncwatch.auto and run after it, a loop is noticed at its first task."""
    make = "asyncio" if kind == "asyncio" else "uvloop"
    text = BLOCKS.replace("asyncio.run(main())", "loop.run_until_complete(main())")
    (tmp_path / "app.py").write_text(f"import {make}\nloop = {make}.new_event_loop()\nimport asyncwatch.auto\n{text}")
    command = [sys.executable, "app.py"]
    env = clean_environment(ASYNCWATCH="light")
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, codes(done.stderr)) == ("ended\n", ["AW000", "AW101", "AW099"])


# -- being told of an import --


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "waited_for.py").write_text("loader = __loader__, __spec__.loader\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "waited_for", raising=False)
    return "waited_for"


def test_an_import_is_told_once_and_leaves_no_mark(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only asks for the spec imports nothing; the module has its own loader from its first line on."""
    before = list(sys.meta_path)
    told: list[str] = []
    waiting = Waiting(module, lambda: told.append(module))
    waiting.install()
    try:
        for _ in range(2):
            assert importlib.util.find_spec(module) is not None
        assert not told
        imported = importlib.import_module(module)
        assert told == [module]
        assert {type(loader).__name__ for loader in imported.loader} == {"SourceFileLoader"}
        monkeypatch.delitem(sys.modules, module)
        importlib.import_module(module)
        assert told == [module]
    finally:
        waiting.remove()
    assert sys.meta_path == before


def test_a_module_that_is_there_is_told_at_once() -> None:
    """No finder is put up for what has been imported."""
    before = list(sys.meta_path)
    told: list[str] = []
    Waiting("sys", lambda: told.append("sys")).install()
    assert (told, sys.meta_path) == (["sys"], before)
