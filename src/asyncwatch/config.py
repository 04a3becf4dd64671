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

from asyncwatch import project
from asyncwatch.parsers import calls, choice, choice_or_path, codes, collector, seconds, text, whole, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncwatch.ignores import Ignore

PROFILES = ("debug", "light", "off")
LEVELS = ("info", "warning", "error")
FORMATS = ("auto", "console", "json")
FIELDS = ("own", "gcp", "datadog")
LOOPS = ("auto", "asyncio", "uvloop")
SOCKETS = ("auto", "on", "off")
SWITCH = ("on", "off")

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
    fields: str = "own"
    output: tuple[str, ...] = ("stderr",)
    fail_on: frozenset[str] = frozenset()
    baseline: str | None = None
    loop: str = "auto"
    socket: str = "auto"
    context: str = "on"
    otlp: str | None = None
    prometheus: str = "off"
    allow_blocking: tuple[str, ...] = ()
    app: tuple[str, ...] = ()
    not_app: tuple[str, ...] = ()
    # Of the file only: a reason does not fit into a variable.
    ignores: tuple[Ignore, ...] = ()

    def enabled(self, codes: frozenset[str], opt_in: frozenset[str] = frozenset()) -> frozenset[str]:
        """The rule codes that apply: `select` replaces the default set, then `extend_select`, then `ignore`."""
        chosen = _matching(self.select, codes) if self.select else codes - opt_in
        return (chosen | _matching(self.extend_select, codes)) - _matching(self.ignore, codes)

    def is_ignored(self, code: str) -> bool:
        """Whether `--ignore` names this code, or its family by prefix."""
        return code.startswith(tuple(self.ignore)) if self.ignore else False

    def fails_on(self, code: str) -> bool:
        """Whether `--fail-on` names this code, or its family by prefix."""
        return code.startswith(tuple(self.fail_on)) if self.fail_on else False

    def for_children(self) -> dict[str, Any]:
        """The fields for a child process, as literals: paths in full, and no verdict, which is the parent's alone."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        found["output"] = tuple(path if path == "stderr" else os.path.abspath(path) for path in self.output)
        found["baseline"] = self.baseline and os.path.abspath(self.baseline)
        found["socket"] = self.socket if self.socket in SOCKETS else os.path.abspath(self.socket)
        found["fail_on"] = frozenset()
        found["ignores"] = tuple(entry.packed() for entry in self.ignores)
        return found


def _matching(prefixes: frozenset[str], codes: frozenset[str]) -> frozenset[str]:
    return frozenset(code for code in codes if code.startswith(tuple(prefixes))) if prefixes else frozenset()


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
    Option("profile", choice(PROFILES), "|".join(PROFILES), "how much to switch on (default: debug)"),
    Option("slow-callback-duration", seconds, "SECONDS", "a callback or step this long is slow (default: 0.1)"),
    Option("hang-after", seconds, "SECONDS", "a loop held this long is hung, said while it lasts (default: 5)"),
    Option("stuck-after", seconds, "SECONDS", "a task that stands at one await this long is stuck (default: 30)"),
    Option("cancel-grace", seconds, "SECONDS", "a cancelled task that runs on this long ignores it (default: 1)"),
    Option("pileup", whole, "N", "more tasks of one place, still growing, pile up (default: 1000)"),
    Option("select", codes, "CODES", "only these rules, opt-in ones included"),
    Option("extend-select", codes, "CODES", "these rules as well"),
    Option("ignore", codes, "CODES", "not these rules"),
    Option("level", choice(LEVELS), "|".join(LEVELS), "say nothing below (default: console warning, json info)"),
    Option("format", choice(FORMATS), "|".join(FORMATS), "auto is console on a terminal, json elsewhere"),
    Option("fields", choice(FIELDS), "|".join(FIELDS), "keys that a log agent looks for, beside our own"),
    Option("output", text, "stderr|PATH", "where findings go; repeatable (default: stderr)", repeatable=True),
    Option("otlp", collector, "URL|env", "findings and metrics to this OpenTelemetry collector as well"),
    Option("prometheus", choice(SWITCH), "on|off", "metrics in the program's own prometheus_client (default: off)"),
    Option("fail-on", codes, "CODES", "exit status 3 if the program succeeded and one of these was seen"),
    Option("baseline", text, "FILE", "findings already known, which are not reported again"),
    Option("loop", choice(LOOPS), "|".join(LOOPS), "the loop of a program that asks for none"),
    Option("allow-blocking", calls, "CALL[:PLACE]", "blocking calls that AW104 does not report, by commas"),
    Option("socket", choice_or_path(SOCKETS), "auto|on|off|DIR", "for `tree`; auto is on in debug, off in light"),
    Option("context", choice(SWITCH), "on|off", "the task's structlog context and trace id in findings (default: on)"),
    Option("app", words, "PATTERNS", "the application's own besides: packages, paths"),
    Option("not-app", words, "PATTERNS", "not the application's own: packages, paths"),
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
        raise ConfigError(f"{source}: {_shown(value)} is not valid, expected {error}") from None


def _shown(value: Any) -> str:
    try:
        return repr(value)[:200]
    except (ValueError, RecursionError):  # a number of more digits than Python writes
        return "what stands there"


def _toml_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("text or a number")
    return str(value)


def from_parent(settings: dict[str, Any]) -> Config:
    """What `for_children` has made in another process."""
    from asyncwatch import ignores

    return Config(**{**settings, "ignores": tuple(ignores.unpacked(entry) for entry in settings["ignores"])})


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
    try:
        path, table = project.table(start)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    known = {option.name: option for option in OPTIONS}
    found: dict[str, Any] = {}
    for key, value in table.items():
        source = f"{path}: {key}"
        if key == "ignores":
            found[key] = _ignores(value, source)
        elif key not in known:
            expected = ", ".join([*known, "ignores"])
            raise ConfigError(f"{path}: unknown key {key!r} in [tool.asyncwatch], expected one of {expected}")
        else:
            setting = parse_option(known[key], value, source)
            found[known[key].field] = _in_project(key, setting, path, source)
    return found


def _in_project(key: str, setting: Any, path: str, source: str) -> Any:
    """Have the files that a project's settings name lie in the project, and no collector but the environment's."""
    if key == "otlp" and setting != "env":
        raise ConfigError(f"{source}: {_shown(setting)} is not valid, expected env; another is for --otlp to name")
    try:
        if key == "output":
            return tuple(one if one == "stderr" else project.inside(one, path) for one in setting)
        if key == "socket" and setting not in SOCKETS:
            raise ValueError(f"one of {', '.join(SOCKETS)}; a directory is for the command line or a variable to name")
        return project.inside(setting, path) if key == "baseline" else setting
    except (OSError, ValueError) as error:
        raise ConfigError(f"{source}: {_shown(setting)} is not valid, expected {error}") from None


def _ignores(value: Any, source: str) -> tuple[Ignore, ...]:
    from asyncwatch import ignores

    try:
        return ignores.entries(value, codes)
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from None


def load(options: Mapping[str, Any], environ: Mapping[str, str], start: str | os.PathLike[str]) -> Config:
    """Put the sources together: `options` (already parsed) over the environment over pyproject.toml.

    Raises:
        ConfigError: when any source holds something unusable.
    """
    return Config(**{**from_pyproject(start), **from_environment(environ), **options})
