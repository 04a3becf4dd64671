"""The README is run: what it shows is what happens."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from datetime import date
from pathlib import Path

import pytest

from asyncwatch import config
from asyncwatch.cli import main, options
from asyncwatch.instrument import HOOKS
from asyncwatch.suppress import read_comment

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
# Words of the first example only.
SHOP = "def send_mail"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def block(kind: str, words: str) -> str:
    """The one block with these words in it."""
    (found,) = (text for text in blocks(kind) if words in text)
    return found


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
    (tmp_path / "shop.py").write_text(block("python", SHOP))
    shown = block("console", "-m asyncwatch shop.py")
    first, _, rest = shown.partition("\n")
    assert first == "$ python -m asyncwatch shop.py"
    done = run("-m", "asyncwatch", "--format", "console", "shop.py", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == ""
    assert shape(done.stderr) == shape(rest)


def test_the_line_that_does_what_the_variable_says(tmp_path: Path) -> None:
    """The first example with `import asyncwatch.auto` on top is watched when ASYNCWATCH says so, and not else."""
    (tmp_path / "shop.py").write_text(block("python", "asyncwatch.auto") + block("python", SHOP))
    lines = run("shop.py", cwd=tmp_path, ASYNCWATCH="light").stderr.splitlines()
    codes = [json.loads(line)["code"] for line in lines]
    assert {"AW000", "AW101", "AW201", "AW204", "AW301", "AW099"} == set(codes)
    assert "AW" not in run("shop.py", cwd=tmp_path).stderr


def test_the_program_that_watches_itself_finds_its_slow_step(tmp_path: Path) -> None:
    """The `with asyncwatch.watch()` example prints the code of what it finds."""
    (tmp_path / "own.py").write_text(block("python", "finding.rule.code for"))
    done = run("own.py", cwd=tmp_path)
    assert done.stdout.strip() == "['AW101']", done.stderr


def test_the_marked_function_is_found_where_it_is_called(tmp_path: Path) -> None:
    """The `@not_in_async` example prints the line of the call on the loop's thread, and no other."""
    (tmp_path / "marked.py").write_text(text := block("python", "@asyncwatch.not_in_async"))
    line = text.splitlines().index("    load(1)") + 1
    done = run("marked.py", cwd=tmp_path)
    assert done.stdout.strip() == str([(line, "await load_async(number)")]), done.stderr


def test_the_tree_is_the_one_that_the_readme_shows(tmp_path: Path) -> None:
    """The tree of the program that is blocked, line for line but for ages and the process id."""
    (tmp_path / "jam.py").write_text(block("python", "fetch-1"))
    first, _, shown = block("console", "-m asyncwatch tree").partition("\n")
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
            found = run(
                "-m", "asyncwatch", "tree", str(program.pid), cwd=tmp_path, XDG_RUNTIME_DIR=str(tmp_path)
            ).stdout
    finally:
        program.kill()
        program.wait()
    assert tree_shape(found) == tree_shape(shown)


def tree_shape(text: str) -> list[str]:
    return re.sub(r"\d+\.\d s old", "<age>", re.sub(r"process \d+", "process <pid>", text)).splitlines()


def test_the_json_line_has_the_keys_a_real_line_has(tmp_path: Path) -> None:
    """The shown line is one the example program writes, key for key and value for value, but for time, pid and path."""
    (tmp_path / "shop.py").write_text(block("python", SHOP))
    run("-m", "asyncwatch", "--profile", "light", "--output", "findings.jsonl", "shop.py", cwd=tmp_path)
    shown = json.loads(block("json", "fingerprint"))
    lines = [json.loads(line) for line in (tmp_path / "findings.jsonl").read_text().splitlines()]
    real = next(line for line in lines if line["code"] == shown["code"])
    for line in (shown, real):
        del line["timestamp"], line["pid"]
    text = json.dumps(real).replace(str(tmp_path), "/app")
    assert json.loads(text) == shown
    assert list(real) == list(shown)


def test_the_settings_are_settings() -> None:
    """The pyproject snippet is read without complaint, and means something other than the defaults."""
    table = tomllib.loads(block("toml", "[tool.asyncwatch]"))["tool"]["asyncwatch"]
    known = {option.name: option for option in config.OPTIONS}
    for key, value in table.items():
        parsed = config.parse_option(known[key], value, "README")
        assert parsed != getattr(config.Config(), known[key].field)


@pytest.mark.parametrize(
    "line", [line for text in blocks("sh") for line in text.splitlines() if "-m asyncwatch" in line]
)
def test_every_command_line_is_understood(line: str) -> None:
    """Commands of the README are parsed into options and a target."""
    words = shlex.split(line, comments=True)
    command = options.parse(words[words.index("asyncwatch") + 1 :], main.VERBS)
    assert command.settings or command.target in main.VERBS


def test_python_blocks_are_python() -> None:
    """Every Python block compiles."""
    assert all(ast.parse(text).body for text in blocks("python"))


def test_the_comment_ignores_what_it_names() -> None:
    """The line with a comment accepts the code that it names, and no other."""
    line = next(line for line in block("python", "ignore[").splitlines() if "asyncwatch" in line)
    assert read_comment(line, "AW101") == (True, "")
    assert read_comment(line, "AW102") == (False, "")


def test_the_ignore_entry_is_read(tmp_path: Path) -> None:
    """The entry of the README is a valid one, with all its keys."""
    (tmp_path / "pyproject.toml").write_text(block("toml", "asyncwatch.ignores"))
    (entry,) = config.from_pyproject(tmp_path)["ignores"]
    assert (entry.codes, entry.path, entry.until) == ({"AW101"}, "shop/legacy/*", date(2027, 1, 31))


def test_the_baseline_commands_work(tmp_path: Path) -> None:
    """Run, baseline, run again, as the README has it: the same program fails the gate before and not after."""
    (tmp_path / "shop.py").write_text(block("python", SHOP))
    commands = [shlex.split(line) for line in block("sh", "known.json").splitlines()]
    steps = [[*words[1:-2], "shop.py"] if words[-1] == "-q" else words[1:] for words in commands]
    assert [run(*words, cwd=tmp_path).returncode for words in steps] == [0, 0, 0]
    without = [word for word in steps[2] if word not in ("--baseline", "known.json")]
    assert run(*without, cwd=tmp_path).returncode == 3


def test_the_report_is_the_one_that_the_readme_shows(tmp_path: Path) -> None:
    """Two runs of the first example make the table that is shown, but for times, durations and process ids."""
    (tmp_path / "shop.py").write_text(block("python", SHOP))
    first, _, shown = block("console", "-m asyncwatch report").partition("\n")
    command = shlex.split(first.removeprefix("$ python "))
    for name in command[-2:]:
        run("-m", "asyncwatch", "--profile", "light", "--output", name, "shop.py", cwd=tmp_path)
    assert report_shape(run(*command, cwd=tmp_path).stdout) == report_shape(shown)


def report_shape(text: str) -> str:
    text = re.sub(r"\d+ ms", "<time>", re.sub(r"\d\d:\d\d:\d\d", "<clock>", text))
    return re.sub(r"pid \d+, \d+", "pid <pids>", re.sub(r"\d{4}-\d\d-\d\d", "<day>", text))


def test_the_instrument_counts_what_the_readme_says(tmp_path: Path) -> None:
    """The example instrument beside one of ours prints what is written below it."""
    text = block("python", "asyncwatch.Instrument")
    (tmp_path / "counted.py").write_text(text)
    done = run("counted.py", cwd=tmp_path)
    assert f"`{done.stdout.strip()}`" in README, done.stderr


def test_every_hook_is_in_the_table() -> None:
    """The table of hooks has those that an instrument may implement, and no others."""
    rows = re.findall(r"^\| (`(?:before|after|task)_.*?) \|", README, re.MULTILINE)
    assert {re.sub(r"\(.*", "", name) for row in rows for name in re.findall(r"`(.+?)`", row)} == set(HOOKS)


@pytest.mark.parametrize(
    "line", [line for text in blocks("console") for line in text.splitlines() if "$ docker" in line]
)
def test_container_commands_are_understood(line: str) -> None:
    """What a container is told, by its words or by variables, is what asyncwatch knows; scripts/containers runs them."""
    for command in line.split("|"):
        words = shlex.split(command.partition(" asyncwatch ")[2].partition(">")[0], comments=True)
        assert not words or options.parse(words, main.VERBS).target in main.VERBS
    assert config.from_environment(dict(re.findall(r"-e (ASYNCWATCH\w*)=(\S+)", line))) or "ASYNCWATCH" not in line


def test_the_compose_file_sets_what_there_is() -> None:
    """Every variable of the compose file is a setting, and every command one of ours."""
    text = block("yaml", "services:")
    variables = dict(re.findall(r"^ +(ASYNCWATCH\w*): (\S+)$", text, re.MULTILINE))
    assert len(config.from_environment(variables)) == len(variables) > 0
    (command,) = re.findall(r"command: \[(.*)\]", text)
    assert options.parse(command.split(", "), main.VERBS).target in main.VERBS


def test_nobody_is_told_to_install_somebody_elses_project() -> None:
    """The name on the package index is another project's; no command line installs it."""
    assert not re.search(r"pip install ['\"]?asyncwatch\b(?!-)", README)
