"""Sinks: findings leave the process here, each through the one private logger, in a person's or a machine's form."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from asyncwatch.config import Config, ConfigError
from asyncwatch.events import Event
from asyncwatch.findings import LEVELS
from asyncwatch.frames import Scope
from asyncwatch.measures import Measures
from asyncwatch.sinks.output import FdOutput, FileOutput, Output, wants_colour
from asyncwatch.sinks.text import LoggerSink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncwatch.sinks.otlp import OtlpSink
    from asyncwatch.sinks.prometheus import Exposed

# Above every level: only what is always said passes.
NOTHING = 100


def build(
    config: Config, scope: Scope, measures: Callable[[], Measures] = Measures, emit: Callable[[Event], object] = id
) -> list[LoggerSink | OtlpSink | Exposed]:
    """The sinks the user asked for; `measures` are the numbers of the moment, `emit` hears what a sink has to say.

    Raises:
        ConfigError: when an output cannot be opened; said before the program starts.
    """
    found: list[LoggerSink | OtlpSink | Exposed] = []
    found.extend(_sink(config, target, scope) for target in dict.fromkeys(config.output))
    if config.otlp is not None:
        _need("otlp", "opentelemetry.exporter.otlp.proto.http", "opentelemetry.sdk")
        from asyncwatch.sinks.otlp import OtlpSink

        found.append(OtlpSink(config.otlp, LEVELS[config.level or "info"], measures, emit))
    if config.prometheus == "on":
        _need("prometheus", "prometheus_client")
        from asyncwatch.sinks.prometheus import Exposed

        found.append(Exposed(measures, emit))
    return found


def _need(extra: str, *modules: str) -> None:
    for module in modules:
        try:
            there = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            there = False
        if not there:
            text = f"--{extra} needs {module}; install it with: python -m pip install 'asyncwatch-sidecar[{extra}]'"
            raise ConfigError(text)


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
    colour = console and output.is_terminal() and wants_colour()
    return LoggerSink(target, output, scope, console=console, colour=colour, level=level, fields=config.fields)
