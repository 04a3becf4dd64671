"""What the user asked for: one table of options, read from the command line, the environment and pyproject.toml.

Every option `--some-name` has the variable `ASYNCWATCH_SOME_NAME` and the key `some-name` in
`[tool.asyncwatch]`. The command line beats the environment, which beats the file, which beats the default.
`ASYNCWATCH` itself is the profile's short name and is read last among the variables.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

PROFILES = ("debug", "light", "off")
LEVELS = ("info", "warning", "error")
FORMATS = ("auto", "console", "json")
LOOPS = ("auto", "asyncio", "uvloop")
SOCKETS = ("auto", "on", "off")

# What `ASYNCWATCH=` may say. "1" is staging's word: watch, and cost nothing.
TOGGLE = {"off": "off", "0": "off", "light": "light", "1": "light", "debug": "debug"}


class ConfigError(Exception):
    """The user asked for something that cannot be had; the text is one sentence with the next step."""


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """Every setting of a run. Durations are in seconds."""

    profile: str = "debug"
    slow_callback_duration: float = 0.1
    hang_after: float = 5.0
    stuck_after: float = 30.0
    cancel_grace: float = 1.0
    pileup: int = 1000
    select: frozenset[str] = frozenset()
    extend_select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    level: str | None = None
    format: str = "auto"
    output: tuple[str, ...] = ("stderr",)
    fail_on: frozenset[str] = frozenset()
    baseline: str | None = None
    loop: str = "auto"
    socket: str = "auto"

    def enabled(self, codes: frozenset[str], opt_in: frozenset[str] = frozenset()) -> frozenset[str]:
        """The rule codes that apply: `select` replaces the default set, then `extend_select`, then `ignore`."""
        chosen = _matching(self.select, codes) if self.select else codes - opt_in
        return (chosen | _matching(self.extend_select, codes)) - _matching(self.ignore, codes)

    def fails_on(self, code: str) -> bool:
        """Whether `--fail-on` names this code, or its family by prefix."""
        return code.startswith(tuple(self.fail_on)) if self.fail_on else False


def _matching(prefixes: frozenset[str], codes: frozenset[str]) -> frozenset[str]:
    return frozenset(code for code in codes if code.startswith(tuple(prefixes))) if prefixes else frozenset()


def _choice(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("a number of seconds") from None
    if not 0 < value < 1e9:  # also refuses nan
        raise ValueError("a positive number of seconds")
    return value


def _whole(text: str) -> int:
    if not text.strip().isdigit() or int(text) == 0:
        raise ValueError("a positive whole number")
    return int(text)


def _codes(text: str) -> frozenset[str]:
    codes = frozenset(part.strip().upper() for part in text.replace(",", " ").split())
    for code in codes:
        if not (code.startswith("AW") and code[2:].isdigit()) and code != "AW":
            raise ValueError("codes such as AW101, or a prefix such as AW2, separated by commas")
    return codes


def _text(text: str) -> str:
    if not text:
        raise ValueError("a name")
    return text


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One row of the table: how a setting is named, read and explained."""

    name: str
    parse: Callable[[str], Any]
    metavar: str
    help: str
    repeatable: bool = False

    @property
    def field(self) -> str:
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        return "ASYNCWATCH_" + self.field.upper()


OPTIONS: tuple[Option, ...] = (
    Option("profile", _choice(PROFILES), "|".join(PROFILES), "how much to switch on (default: debug)"),
    Option("slow-callback-duration", _seconds, "SECONDS", "a callback or step this long is slow (default: 0.1)"),
    Option("hang-after", _seconds, "SECONDS", "a loop held this long is hung, said while it lasts (default: 5)"),
    Option("stuck-after", _seconds, "SECONDS", "a task that stands at one await this long is stuck (default: 30)"),
    Option("cancel-grace", _seconds, "SECONDS", "a cancelled task that runs on this long ignores it (default: 1)"),
    Option("pileup", _whole, "N", "more tasks of one place, still growing, pile up (default: 1000)"),
    Option("select", _codes, "CODES", "only these rules, opt-in ones included"),
    Option("extend-select", _codes, "CODES", "these rules as well"),
    Option("ignore", _codes, "CODES", "not these rules"),
    Option("level", _choice(LEVELS), "|".join(LEVELS), "say nothing below (default: console warning, json info)"),
    Option("format", _choice(FORMATS), "|".join(FORMATS), "auto is console on a terminal, json elsewhere"),
    Option("output", _text, "stderr|PATH", "where findings go; repeatable (default: stderr)", repeatable=True),
    Option("fail-on", _codes, "CODES", "exit status 3 if the program succeeded and one of these was seen"),
    Option("baseline", _text, "FILE", "findings already known, which are not reported again"),
    Option("loop", _choice(LOOPS), "|".join(LOOPS), "the loop of a program that asks for none"),
    Option("socket", _choice(SOCKETS), "|".join(SOCKETS), "for `tree PID`; auto is on in debug, off in light"),
)


def parse_option(option: Option, value: Any, source: str) -> Any:
    """Turn one raw value (text, or what TOML made of it) into the setting.

    Raises:
        ConfigError: naming the source, the value and what would be right.
    """
    items = value if isinstance(value, list | tuple) else [value]
    if option.repeatable:
        return tuple(_parse_one(option, item, source) for item in items)
    if isinstance(value, list | tuple):
        value = ",".join(map(str, items))
    return _parse_one(option, value, source)


def _parse_one(option: Option, value: Any, source: str) -> Any:
    try:
        return option.parse(value if isinstance(value, str) else _toml_text(value))
    except ValueError as error:
        raise ConfigError(f"{source}: {value!r} is not valid, expected {error}") from None


def _toml_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("text or a number")
    return str(value)


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Settings given as variables. `ASYNCWATCH=off|0|light|1|debug` is the profile."""
    found = {}
    for option in OPTIONS:
        raw = environ.get(option.variable)
        if raw:
            parts = raw.split(os.pathsep) if option.repeatable else raw
            found[option.field] = parse_option(option, parts, option.variable)
    toggle = environ.get("ASYNCWATCH", "").strip().lower()
    if toggle:
        if toggle not in TOGGLE:
            raise ConfigError(f"ASYNCWATCH: {toggle!r} is not valid, expected one of {', '.join(TOGGLE)}")
        found["profile"] = TOGGLE[toggle]
    return found


def from_pyproject(start: str | os.PathLike[str]) -> dict[str, Any]:
    """Settings of `[tool.asyncwatch]` in the nearest pyproject.toml at or above `start`."""
    folder = os.path.abspath(start)
    while True:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path):
            return _read_table(path)
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return {}


def _read_table(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read()
        if b"asyncwatch" not in text:
            return {}  # spares the TOML parser's import in programs that never heard of us
        import tomllib

        tools = tomllib.loads(text.decode()).get("tool", {})
        table = tools.get("asyncwatch", {}) if isinstance(tools, dict) else None
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [tool.asyncwatch] is not a table of settings")
    known = {option.name: option for option in OPTIONS}
    found = {}
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{path}: unknown key {key!r} in [tool.asyncwatch], expected one of {', '.join(known)}")
        found[known[key].field] = parse_option(known[key], value, f"{path}: {key}")
    return found


def load(options: Mapping[str, Any], environ: Mapping[str, str], start: str | os.PathLike[str]) -> Config:
    """Put the sources together: `options` (already parsed) over the environment over pyproject.toml.

    Raises:
        ConfigError: when any source holds something unusable.
    """
    return Config(**{**from_pyproject(start), **from_environment(environ), **options})
