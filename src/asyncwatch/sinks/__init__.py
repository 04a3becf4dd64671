"""Sinks: findings leave the process here, each through the one private logger, in a person's or a machine's form."""

from __future__ import annotations

import os

from asyncwatch.config import Config, ConfigError
from asyncwatch.findings import LEVELS
from asyncwatch.frames import Scope
from asyncwatch.sinks.output import FdOutput, FileOutput, Output
from asyncwatch.sinks.text import LoggerSink

# Above every level: only what is always said passes.
NOTHING = 100


def build(config: Config, scope: Scope) -> list[LoggerSink]:
    """The sinks the user asked for.

    Raises:
        ConfigError: when an output cannot be opened; said before the program starts.
    """
    return [_sink(config, target, scope) for target in dict.fromkeys(config.output)]


def last_resort(config: Config, scope: Scope) -> LoggerSink:
    """Standard error for what must be said when no other output is left: that it broke, and the summary."""
    sink = _sink(config, "stderr", scope)
    sink.level = NOTHING
    return sink


def _sink(config: Config, target: str, scope: Scope) -> LoggerSink:
    output: Output
    if target == "stderr":
        output = FdOutput(2)
    else:
        try:
            output = FileOutput(target)
        except OSError as error:
            text = f"cannot write to the output {target!r}: {error.strerror or error}; name a file that can be written"
            raise ConfigError(text) from None
    console = config.format == "console" or (config.format == "auto" and output.is_terminal())
    level = LEVELS[config.level or ("warning" if console else "info")]
    colour = console and output.is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return LoggerSink(target, output, scope, console=console, colour=colour, level=level)
