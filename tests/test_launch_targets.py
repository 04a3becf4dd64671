"""Which program a word of the command line means, and the one line that says why it means none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from launching.harness import SRC, python, watched

WHO = "import sys; print('{}', __name__, __spec__ and __spec__.name, sys.argv)"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory in which most names mean more than one thing."""
    for name in ("both", "both.py", "doctor", "doctor.py", "pkg/__init__.py", "pkg/__main__.py", "pkg.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(WHO.format(name))
    (tmp_path / "empty").mkdir()
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "mod.py").write_text(WHO.format("space/mod.py"))
    (tmp_path / "tool.py").write_text(WHO.format("tool.py"))
    return tmp_path


@pytest.mark.parametrize(
    ("args", "first"),
    [
        (["both"], "both __main__ None ['both']"),
        (["-m", "both"], "both.py __main__ both ["),
        (["-mboth"], "both.py __main__ both ["),
        (["pkg", "a"], "pkg/__init__.py pkg pkg ['-m', 'a']"),
        (["pkg/", "a"], "pkg/__main__.py __main__ __main__ ['pkg/', 'a']"),
        (["tool"], "tool.py __main__ tool ["),
        (["space.mod"], "space/mod.py __main__ space.mod ["),
        (["./doctor"], "doctor __main__ None ['./doctor']"),
        (["--", "doctor", "--"], "doctor __main__ None ['doctor', '--']"),
        (["-m", "doctor"], "doctor.py __main__ doctor ["),
    ],
    ids=" ".join,
)
def test_a_name_means_the_first_of_file_package_module(here: Path, args: list[str], first: str) -> None:
    """A file comes before a package, a package before a module; -m and a path say which one is meant."""
    found = watched(*args, cwd=here)
    assert found.status == 0, found.err
    assert found.out.startswith(first)


def test_a_safe_path_hides_what_is_in_the_current_directory(here: Path) -> None:
    """Under -P a module of the current directory is not found, by name or by -m, as -m itself would not."""
    for args in (["tool"], ["-m", "tool"]):
        found = watched(*args, cwd=here, flags=["-P"])
        assert (found.status, found.out) == (2, "")


def test_an_entry_point_without_a_file_is_a_console_script(tmp_path: Path) -> None:
    """A command that an installation only declares, as on Windows, is called and its result is the status."""
    site = tmp_path / "site"
    (site / "tool-1.dist-info").mkdir(parents=True)
    (site / "tool-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: tool\nVersion: 1\n")
    (site / "tool-1.dist-info" / "entry_points.txt").write_text("[console_scripts]\nmy-tool = toolbox:Tool.run\n")
    (site / "toolbox.py").write_text(
        "import sys\nclass Tool:\n    @staticmethod\n    def run():\n        print(sys.argv)\n        return 4\n"
    )
    env = {"PYTHONPATH": f"{SRC}:{site}"}
    found = python("-m", "asyncwatch", "--profile", "off", "my-tool", "a", cwd=tmp_path, env=env)
    assert (found.status, found.out, found.err) == (4, "['my-tool', 'a']\n", "")


REFUSED = {
    "no target": ([], "no TARGET"),
    "nothing named": (["nothing"], "cannot find 'nothing'"),
    "no file": (["nothing.py"], "can't open 'nothing.py'"),
    "no path": (["no/such"], "can't open 'no/such'"),
    "no main": (["empty"], "has no __main__.py"),
    "no main in path": (["./empty"], "has no __main__.py"),
    "no module": (["-m", "nothing.at.all"], "No module named nothing"),
    "no submodule": (["-m", "json.nothing"], "No module named json.nothing"),
    "not executable": (["-m", "email"], "cannot be directly executed"),
    "relative module": (["-m", ".tool"], "Relative module names"),
    "-m alone": (["-m"], "-m needs a module"),
    "stdin": (["-"], "standard input"),
    "bad option": (["--bogus", "tool.py"], "unknown option --bogus"),
    "abbreviated": (["--leve", "info", "tool.py"], "did you mean --level?"),
    "short option": (["-X", "dev", "tool.py"], "unknown option -X"),
    "no value": (["--level"], "--level needs a value, expected info|warning|error"),
    "option as value": (["--level", "--profile=off", "tool.py"], "--level needs a value"),
    "bad value": (["--level=loud", "tool.py"], "--level: 'loud'"),
    "bad number": (["--hang-after", "soon", "tool.py"], "--hang-after: 'soon'"),
    "bad output": (["--output", "no/such/file", "tool.py"], "no/such/file"),
    "no rule": (["explain", "AW999"], "AW999"),
}


def refused(args: list[str], cwd: Path, phrase: str, **env: str) -> None:
    """Assert one line, status 2, and no program."""
    found = python("-m", "asyncwatch", *args, cwd=cwd, env=env)
    assert found.status == 2
    assert found.out == ""
    assert found.err.startswith("asyncwatch: ")
    assert found.err.count("\n") == 1
    assert phrase in found.err


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_started_is_one_line_and_status_2(here: Path, why: str) -> None:
    """An unknown target, option or value is named in one line, before anything runs."""
    args, phrase = REFUSED[why]
    refused(args, here, phrase, ASYNCWATCH="light")


@pytest.mark.parametrize(
    "env",
    [{"ASYNCWATCH": "maybe"}, {"ASYNCWATCH_PROFILE": "some"}, {"ASYNCWATCH_HANG_AFTER": "-1"}],
    ids=lambda env: next(iter(env)),
)
def test_a_bad_variable_is_one_line_and_status_2(here: Path, env: dict[str, str]) -> None:
    """A variable that says nothing usable is named in one line."""
    refused(["tool.py"], here, next(iter(env)), **env)


@pytest.mark.parametrize("text", ["[tool.asyncwatch\n", "[tool.asyncwatch]\nhang = 1\n", "[tool]\nasyncwatch = 1\n"])
def test_a_broken_pyproject_is_one_line_and_status_2(here: Path, text: str) -> None:
    """A pyproject.toml that cannot be read, or has a key we do not know, is named in one line."""
    (here / "pyproject.toml").write_text(text)
    refused(["tool.py"], here, "pyproject.toml")


def test_a_command_that_is_not_python_is_refused(here: Path) -> None:
    """A binary of the environment's scripts directory is named as what it is."""
    refused([Path(sys.executable).name], here, "is not a Python script")
