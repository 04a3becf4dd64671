"""The table of options: what each accepts, and which source of a setting wins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from asyncwatch import config
from asyncwatch.config import OPTIONS, Config, ConfigError

ROW = {option.name: option for option in OPTIONS}


def pyproject(folder: Path, body: str) -> Path:
    """Write `[tool.asyncwatch]` with this body; returns the folder."""
    (folder / "pyproject.toml").write_text(f"[tool.asyncwatch]\n{body}\n")
    return folder


def test_every_setting_has_an_option_a_variable_and_a_key() -> None:
    """The table and Config have the same settings, and their names follow from one another."""
    assert {option.field for option in OPTIONS} | {"ignores"} == set(Config.__dataclass_fields__)
    assert ROW["slow-callback-duration"].variable == "ASYNCWATCH_SLOW_CALLBACK_DURATION"
    assert ROW["slow-callback-duration"].field == "slow_callback_duration"


def test_the_nearer_source_wins(tmp_path: Path) -> None:
    """Option over variable over pyproject.toml over default, each setting by itself."""
    start = pyproject(tmp_path, "hang-after = 1\nstuck-after = 1\ncancel-grace = 1")
    environ = {"ASYNCWATCH_HANG_AFTER": "2", "ASYNCWATCH_STUCK_AFTER": "2"}
    found = config.load({"hang_after": 3.0}, environ, start)
    assert (found.hang_after, found.stuck_after, found.cancel_grace, found.pileup) == (3.0, 2.0, 1.0, 1000)


def test_nothing_given_is_the_defaults(tmp_path: Path) -> None:
    """No option, no variable and an unrelated pyproject.toml give the defaults that the contract names."""
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    found = config.load({}, {}, tmp_path)
    assert found == Config()
    assert (found.profile, found.slow_callback_duration, found.hang_after) == ("debug", 0.1, 5.0)
    assert (found.stuck_after, found.cancel_grace, found.output) == (30.0, 1.0, ("stderr",))


@pytest.mark.parametrize(("word", "profile"), [("off", "off"), ("0", "off"), ("1", "light"), (" DEBUG ", "debug")])
def test_the_short_variable_is_the_profile(word: str, profile: str) -> None:
    """ASYNCWATCH sets the profile and beats ASYNCWATCH_PROFILE; empty it says nothing."""
    assert config.from_environment({"ASYNCWATCH": word, "ASYNCWATCH_PROFILE": "light"})["profile"] == profile
    assert config.from_environment({"ASYNCWATCH": "", "ASYNCWATCH_PROFILE": ""}) == {}


def test_the_nearest_pyproject_above_is_read(tmp_path: Path) -> None:
    """A program started in a subdirectory has its project's settings, and only those of the nearest file."""
    pyproject(tmp_path, "pileup = 5")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert config.from_pyproject(inner) == {"pileup": 5}
    (tmp_path / "a" / "pyproject.toml").write_text("")
    assert config.from_pyproject(inner) == {}


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("hang-after", "0.5", 0.5),
        ("hang-after", 2, 2.0),
        ("pileup", 7, 7),
        ("ignore", "aw101, AW2", frozenset({"AW101", "AW2"})),
        ("ignore", ["AW101", "AW2"], frozenset({"AW101", "AW2"})),
        ("output", ["stderr", "a.json"], ("stderr", "a.json")),
        ("output", "a.json", ("a.json",)),
        ("level", "error", "error"),
        ("socket", "on", "on"),
        ("socket", "/run/asyncwatch/web", "/run/asyncwatch/web"),
    ],
)
def test_a_value_is_read_from_text_and_from_toml(name: str, raw: Any, value: Any) -> None:
    """What a shell gives as text and TOML as a number or list becomes the same setting."""
    assert config.parse_option(ROW[name], raw, "here") == value


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        *[("hang-after", raw) for raw in ("soon", "0", "-1", "nan", "inf", "1e99", "", True, {"a": 1})],
        *[("pileup", raw) for raw in ("0", "-3", "1.5", "many", 2.5, False)],
        *[("profile", raw) for raw in ("fast", "", "Light", 1)],
        *[("ignore", raw) for raw in ("101", "AWx", "AW101;AW102", [1])],
        *[("output", raw) for raw in ("", [""], [3.5j])],
        *[("socket", raw) for raw in ("", "yes", "1", True)],
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, raw: Any) -> None:
    """The error names where the value came from and what was expected."""
    with pytest.raises(ConfigError, match=r"here: .* is not valid, expected "):
        config.parse_option(ROW[name], raw, "here")


@pytest.mark.parametrize("body", ["hang_after = 1", "loudness = 3", "hang-after = 'soon'", "level = {a = 1}", "x"])
def test_a_broken_table_is_refused_by_file(tmp_path: Path, body: str) -> None:
    """An unknown key, a bad value and a file that is no TOML are refused with the file's path."""
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        config.from_pyproject(pyproject(tmp_path, body))


@pytest.mark.parametrize("text", ["tool = 1 # asyncwatch", "[tool]\nasyncwatch = 1", "\xff asyncwatch"])
def test_a_table_that_is_none_is_refused_by_file(tmp_path: Path, text: str) -> None:
    """A `tool.asyncwatch` that is no table, and a file that is no UTF-8, are refused with the file's path."""
    (tmp_path / "pyproject.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        config.from_pyproject(tmp_path)


def test_several_outputs_are_separated_as_paths_are() -> None:
    """A repeatable option's variable lists its values as PATH does."""
    found = config.from_environment({"ASYNCWATCH_OUTPUT": os.pathsep.join(["stderr", "a.json"])})
    assert found == {"output": ("stderr", "a.json")}


def test_rules_are_selected_then_extended_then_ignored() -> None:
    """`select` replaces the default set, opt-in rules included; prefixes name families; `ignore` comes last."""
    codes, opt_in = frozenset({"AW101", "AW104", "AW201", "AW202"}), frozenset({"AW104"})

    def enabled(**given: str) -> set[str]:
        return set(Config(**{k: frozenset(v.split()) for k, v in given.items()}).enabled(codes, opt_in))

    assert enabled() == {"AW101", "AW201", "AW202"}
    assert enabled(select="AW1") == {"AW101", "AW104"}
    assert enabled(extend_select="AW104", ignore="AW2") == {"AW101", "AW104"}
    assert enabled(select="AW2", extend_select="AW104", ignore="AW202 AW104") == {"AW201"}


def test_fail_on_names_codes_or_families() -> None:
    """A code fails the run when it, or its family, is named; nothing does by default."""
    assert Config(fail_on=frozenset({"AW2"})).fails_on("AW204")
    assert not Config(fail_on=frozenset({"AW204"})).fails_on("AW2")
    assert not Config().fails_on("AW204")
