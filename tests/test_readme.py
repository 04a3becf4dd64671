"""The README is run: what it shows is what happens."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from asyncwatch import config
from asyncwatch.cli import main, options

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def run(*command: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("ASYNCWATCH")}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env={**env, **environ}, capture_output=True, text=True, timeout=60
    )


def shape(text: str) -> list[str]:
    """Output without what differs from run to run: durations and ages."""
    text = re.sub(r"\d+(\.\d+)? m?s\b", "<time>", text)
    return sorted(re.split(r"\n(?! )", text.strip()))


def test_the_first_example_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Every finding of the first screen, word for word but for durations; their order is the run's own."""
    (tmp_path / "shop.py").write_text(blocks("python")[0])
    shown = blocks("console")[0]
    first, _, rest = shown.partition("\n")
    assert first == "$ python -m asyncwatch shop.py"
    done = run("-m", "asyncwatch", "--format", "console", "shop.py", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == ""
    assert shape(done.stderr) == shape(rest)


def test_the_program_that_watches_itself_finds_its_slow_step(tmp_path: Path) -> None:
    """The `with asyncwatch.watch()` example prints the code of what it finds."""
    (tmp_path / "own.py").write_text(blocks("python")[1])
    done = run("own.py", cwd=tmp_path)
    assert done.stdout.strip() == "['AW101']", done.stderr


def test_the_tree_is_the_one_that_the_readme_shows(tmp_path: Path) -> None:
    """The tree of the program that is blocked, line for line but for ages and the process id."""
    (tmp_path / "jam.py").write_text(blocks("python")[2])
    first, _, shown = blocks("console")[1].partition("\n")
    assert first == "$ python -m asyncwatch tree 4711"
    env = {key: value for key, value in os.environ.items() if not key.startswith("ASYNCWATCH")}
    program = subprocess.Popen(
        [sys.executable, "-m", "asyncwatch", "--output", "out", "jam.py"],
        cwd=tmp_path,
        env={**env, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    try:
        end = time.monotonic() + 30
        found = ""
        while ": running" not in found and time.monotonic() < end:
            found = run("-m", "asyncwatch", "tree", str(program.pid), cwd=tmp_path, XDG_RUNTIME_DIR=str(tmp_path)).stdout
    finally:
        program.kill()
        program.wait()
    assert tree_shape(found) == tree_shape(shown)


def tree_shape(text: str) -> list[str]:
    return re.sub(r"\d+\.\d s old", "<age>", re.sub(r"process \d+", "process <pid>", text)).splitlines()


def test_the_json_line_has_the_keys_a_real_line_has(tmp_path: Path) -> None:
    """The shown line is one the example program writes, key for key and value for value, but for time, pid and path."""
    (tmp_path / "shop.py").write_text(blocks("python")[0])
    run("-m", "asyncwatch", "--profile", "light", "--output", "findings.jsonl", "shop.py", cwd=tmp_path)
    shown = json.loads(blocks("json")[0])
    lines = [json.loads(line) for line in (tmp_path / "findings.jsonl").read_text().splitlines()]
    real = next(line for line in lines if line["code"] == shown["code"])
    for line in (shown, real):
        del line["timestamp"], line["pid"]
    text = json.dumps(real).replace(str(tmp_path), "/app")
    assert json.loads(text) == shown
    assert list(real) == list(shown)


def test_the_settings_are_settings() -> None:
    """The pyproject snippet is read without complaint, and means something other than the defaults."""
    table = tomllib.loads(blocks("toml")[0])["tool"]["asyncwatch"]
    known = {option.name: option for option in config.OPTIONS}
    for key, value in table.items():
        parsed = config.parse_option(known[key], value, "README")
        assert parsed != getattr(config.Config(), known[key].field)


@pytest.mark.parametrize("line", [line for text in blocks("sh") for line in text.splitlines() if "-m asyncwatch" in line])
def test_every_command_line_is_understood(line: str) -> None:
    """Commands of the README are parsed into options and a target."""
    words = line.split("#", maxsplit=1)[0].split()
    command = options.parse(words[words.index("asyncwatch") + 1 :], main.VERBS)
    assert command.settings


def test_python_blocks_are_python() -> None:
    """Every Python block compiles."""
    assert len([ast.parse(text) for text in blocks("python")]) == 3


def test_nobody_is_told_to_install_somebody_elses_project() -> None:
    """The name on the package index is another project's; no command line installs it."""
    assert not re.search(r"pip install ['\"]?asyncwatch\b(?!-)", README)
