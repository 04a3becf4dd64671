"""`asyncwatch doctor`: what would be watched here, what would not, and where each setting comes from."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

from asyncwatch import __version__
from asyncwatch import config as configuration
from asyncwatch.cli.options import Command
from asyncwatch.config import Config, ConfigError


def run(command: Command) -> int:
    """Print the report. Options before the word `doctor` count as they would before a TARGET."""
    from asyncwatch.cli.main import here, settle
    from asyncwatch.frames import plain

    if command.args:
        raise ConfigError("doctor takes no arguments; options stand before it")
    print(f"asyncwatch {__version__}")
    print(f"python     {platform.python_implementation()} {platform.python_version()} on {sys.platform}")
    print(f"asyncio    {_stock_loop()}")
    print(f"uvloop     {_uvloop()}")
    print(f"compiled   {_compiled()}")
    config = settle(command)
    if config is None:
        print("profile    off: the program would run as if asyncwatch were not there")
        return 0
    print(f"profile    {config.profile}{_how(config.profile)}")
    sources = (
        ("command line", command.settings),
        ("environment", configuration.from_environment(os.environ)),
        ("pyproject.toml", configuration.from_pyproject(here())),
    )
    print("\nsettings")
    for name, value, source in _settings(config, sources):
        print(plain(f"  {name:<24}{value:<19} {source}"))
    for entry in config.ignores:
        print(plain(f"  {'ignores':<24}{entry}{', until ' + str(entry.until) if entry.until else ''}"))
    print("\nhooks")
    for hook, state, reason in _survey(config):
        print(f"  {hook:<24}{state:<8}{reason}".rstrip())
    return 0


Sources = tuple[tuple[str, dict[str, Any]], ...]


def _settings(config: Config, sources: Sources) -> Iterator[tuple[str, str, str]]:
    for option in configuration.OPTIONS:
        origin = next((source for source, found in sources if option.field in found), "default")
        yield option.name, _text(getattr(config, option.field)), origin


def _text(value: Any) -> str:
    if isinstance(value, frozenset | tuple):
        return ",".join(sorted(value)) or "-"
    return "-" if value is None else str(value)


def _how(profile: str) -> str:
    if profile != "debug":
        return ""
    if sys.flags.dev_mode:
        return ": Python's development mode is on"
    if not sys.executable:
        return ": Python's development mode cannot be had, this interpreter does not know its own path"
    return ": Python's development mode, by a restart of the process before the program"


def _stock_loop() -> str:
    import asyncio

    loop = asyncio.new_event_loop()
    loop.close()
    return f"{type(loop).__module__}.{type(loop).__qualname__}"


def _uvloop() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("uvloop")
    except PackageNotFoundError:
        return "not installed"


def _compiled() -> str:
    from asyncwatch.hooks import twins

    return f"no, Python's twin runs: {twins.WHY_NOT}" if twins.COMPILED is None else "yes, for what each new task costs"


def _survey(config: Config) -> list[tuple[str, str, str]]:
    from asyncwatch.session import survey

    return survey(config)
