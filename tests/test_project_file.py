"""A pyproject.toml of any kind: it may have been written by somebody else, for somebody else, or by an enemy."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from conftest import Run, run_python

from asyncwatch import config, project
from asyncwatch.config import ConfigError
from asyncwatch.ignores import Ignore


def write(folder: Path, body: str) -> Path:
    """Write `[tool.asyncwatch]` with this body; returns the folder, which is closed to others."""
    folder.chmod(0o755)
    (folder / "pyproject.toml").write_text(f"[tool.asyncwatch]\n{body}\n")
    return folder


# -- what lies there and is no file of settings --


def a_directory(path: Path) -> None:
    path.mkdir()


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.symlink_to(path.name)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [a_directory, a_fifo, a_loop, a_device])
def test_what_is_no_file_is_passed_over(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A directory, a FIFO, a loop of links and a device of that name are not waited for; the file above is read."""
    write(tmp_path, "pileup = 7")
    inner = tmp_path / "inner"
    inner.mkdir()
    make(inner / "pyproject.toml")
    assert config.from_pyproject(inner) == {"pileup": 7}


def a_gigabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def no_text(path: Path) -> None:
    path.write_bytes(b"[tool.asyncwatch]\nlevel = '\xff'\n")


def deeply_nested(path: Path) -> None:
    path.write_text("[tool.asyncwatch]\nx = " + "[" * 300_000)


def an_endless_key(path: Path) -> None:
    path.write_text("[tool.asyncwatch]\n" + "a . 'b'." * 100_000 + "c = 1")


def a_number_without_end(path: Path) -> None:
    path.write_text("[tool.asyncwatch]\npileup = 0x" + "f" * 500_000)


@pytest.mark.parametrize("make", [a_gigabyte, no_text, deeply_nested, an_endless_key, a_number_without_end])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Too long, no text, nested or keyed without end: one short line that names the file, and status 2."""
    make(tmp_path / "pyproject.toml")
    done = run_python("-m", "asyncwatch", "-m", "platform", cwd=tmp_path)
    assert_refused(done, "pyproject.toml")


def assert_refused(done: Run, named: str) -> None:
    assert (done.status, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert done.err.startswith("asyncwatch: ")
    assert named in done.err
    assert len(done.err) < 2_100
    assert done.err[:-1].isprintable()


def test_a_file_that_is_not_ours_may_be_anything(tmp_path: Path) -> None:
    """A pyproject.toml that never names us is not even parsed, so that its faults are not the program's."""
    (tmp_path / "pyproject.toml").write_bytes(b"\xff[[[")
    assert config.from_pyproject(tmp_path) == {}


def test_off_reads_no_file(tmp_path: Path) -> None:
    """ASYNCWATCH=off runs the program whatever lies in its directory."""
    write(tmp_path, "this is no TOML")
    done = run_python("-m", "asyncwatch", "-m", "platform", cwd=tmp_path, ASYNCWATCH="off")
    assert (done.status, done.err) == (0, "")


# -- where it may have us write and read --


@pytest.mark.parametrize("key", ["output", "baseline"])
@pytest.mark.parametrize("name", ["/etc/cron.d/x", "../outside", "link", "a/../../outside", ".", "fifo", "folder"])
def test_a_file_elsewhere_is_refused(tmp_path: Path, key: str, name: str) -> None:
    """Absolute, above, through a link, a FIFO and a directory are refused as output and baseline, with the reason."""
    inner = tmp_path / "project"
    (inner / "folder").mkdir(parents=True)
    os.mkfifo(inner / "fifo")
    (inner / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigError, match=rf"pyproject\.toml: {key}: .* expected a (regular file|file inside)"):
        config.from_pyproject(write(inner, f"{key} = {name!r}"))
    assert not (tmp_path / "outside").exists()


def test_a_place_for_the_socket_is_refused(tmp_path: Path) -> None:
    """A project's file says whether there is a socket, and not where."""
    assert config.from_pyproject(write(tmp_path, "socket = 'on'")) == {"socket": "on"}
    with pytest.raises(ConfigError, match=r"socket: '/tmp/x' is not valid, expected one of auto, on, off; a directory"):
        config.from_pyproject(write(tmp_path, "socket = '/tmp/x'"))


def test_a_file_inside_counts_from_the_project(tmp_path: Path) -> None:
    """A program started in a subdirectory writes where the project's file says, and stderr stays stderr."""
    write(tmp_path, "output = ['stderr', 'logs/found.jsonl']\nbaseline = 'known.json'")
    (tmp_path / "deep").mkdir()
    found = config.from_pyproject(tmp_path / "deep")
    assert found["output"] == ("stderr", os.path.realpath(tmp_path / "logs" / "found.jsonl"))
    assert found["baseline"] == os.path.realpath(tmp_path / "known.json")


def test_a_directory_that_all_can_write_to_names_no_file(tmp_path: Path) -> None:
    """In a directory like /tmp anybody may have put the file: it names no output, its other settings hold."""
    write(tmp_path, "pileup = 7").chmod(0o777)
    assert config.from_pyproject(tmp_path) == {"pileup": 7}
    write(tmp_path, "output = 'x'").chmod(0o777)
    with pytest.raises(ConfigError, match="everybody can write"):
        config.from_pyproject(tmp_path)


def test_the_command_line_names_what_it_likes(tmp_path: Path) -> None:
    """An option or a variable may name any file: whoever gives those runs the program."""
    found = config.load({"output": ("/somewhere/else",)}, {"ASYNCWATCH_BASELINE": "../x"}, write(tmp_path, ""))
    assert (found.output, found.baseline) == (("/somewhere/else",), "../x")


def test_a_hostile_project_runs_no_code(tmp_path: Path) -> None:
    """Modules beside a project file that asks for much are not imported for it."""
    for name in ("tomllib", "uvloop", "structlog", "sitecustomize", "datetime", "fnmatch", "json", "AW101"):
        (tmp_path / f"{name}.py").write_text("open('was_run', 'w')")
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "program.py").write_text("import asyncio\nasyncio.run(asyncio.sleep(0.1))\n")
    ignores = "\n[[tool.asyncwatch.ignores]]\ncode = 'AW1'\nreason = 'x'\nuntil = 2999-01-01\npath = '*'"
    write(tmp_path, f"select = 'AW'\nloop = 'uvloop'\nformat = 'json'{ignores}")
    done = run_python("-m", "asyncwatch", "--profile", "light", str(other / "program.py"), cwd=tmp_path)
    assert done.status in (0, 2), done.err  # 2: there is no uvloop
    assert not (tmp_path / "was_run").exists()


# -- ignore entries --


def entry(**keys: object) -> str:
    given = "\n".join(f"{key} = {value!r}" for key, value in keys.items())
    return f"[[tool.asyncwatch.ignores]]\n{given}"


def test_an_entry_has_code_path_reason_and_day(tmp_path: Path) -> None:
    """Entries are read with all their keys; code may be a list, path and until may be absent."""
    first = entry(code="aw101", path="shop/legacy/*", reason="rewritten in May") + "\nuntil = 2027-01-31\n"
    found = config.from_pyproject(write(tmp_path, first + entry(code=["AW2", "AW301"], reason=" known ")))
    assert found["ignores"] == (
        Ignore(frozenset({"AW101"}), "rewritten in May", "shop/legacy/*", date(2027, 1, 31)),
        Ignore(frozenset({"AW2", "AW301"}), "known"),
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (entry(code="AW101"), "a reason"),
        (entry(reason="x"), "a code"),
        (entry(code="AW101", reason=" "), "reason to be text"),
        (entry(code="AW101", reason=7), "reason to be text"),
        (entry(code="AW101", reason="x", path=""), "path to be text"),
        (entry(code="AW101", reason="x", file="a"), "only code, path, reason, until, not 'file'"),
        (entry(code="sleepy", reason="x"), "codes such as AW101"),
        (entry(code=[], reason="x"), "a code"),
        (entry(code="AW101", reason="x", until="soon"), "until to be a date"),
        (entry(code="AW101", reason="x", until=2027), "until to be a date"),
        (entry(code="AW101", reason="x") + "\nuntil = 2027-01-31T00:00:00", "until to be a date"),
        ("ignores = ['AW101']", "a table with code, path, reason, until"),
        ("ignores = 'AW101'", r"entries that begin with \[\[tool"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(tmp_path: Path, body: str, expected: str) -> None:
    """A missing reason or code, an unknown key, a day that is none: refused with the file, the entry, and what is right."""
    with pytest.raises(ConfigError, match=rf"pyproject\.toml: ignores: .*expected {expected}"):
        config.from_pyproject(write(tmp_path, body))


def test_an_entry_for_a_rule_that_is_not_there(tmp_path: Path) -> None:
    """An entry whose code names no rule is one line and status 2."""
    write(tmp_path, entry(code="AW9", reason="x"))
    assert_refused(run_python("-m", "asyncwatch", "-m", "platform", cwd=tmp_path), "there is no rule AW9")


def test_the_search_ends_at_the_nearest_file(tmp_path: Path) -> None:
    """Which file was read is said with its settings."""
    write(tmp_path, "pileup = 7")
    path, found = project.table(tmp_path)
    assert (path, found) == (str(tmp_path / "pyproject.toml"), {"pileup": 7})
