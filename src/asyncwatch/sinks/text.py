"""The private structlog logger: every processor given, so the host's own configuration neither hears nor breaks it."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

from asyncwatch.findings import Finding, to_dict
from asyncwatch.frames import Scope
from asyncwatch.sinks import agents
from asyncwatch.sinks.console import Console
from asyncwatch.sinks.output import Output

# Characters of a line. Agents that collect lines cut longer ones into pieces, each of which is no JSON.
LONGEST = 1 << 16
# What every line has, and takes no room.
_CORE = ("timestamp", "level", "code", "rule", "event", "fingerprint", "count", "pid")
# Characters that JSON allows and that end a line, paint a terminal or turn its text around.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Lines:
    """What structlog calls a logger: takes one rendered line."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def msg(self, message: str) -> None:
        self._output.write(message.encode("utf-8", "backslashreplace") + b"\n")

    debug = info = warning = error = msg


class LoggerSink:
    """One output in one format. structlog is imported when it is opened, by whoever starts the watching.

    Never in the watcher's thread: a program that walks through `sys.modules` meanwhile would see it change.
    """

    def __init__(
        self, name: str, output: Output, scope: Scope, *, console: bool, colour: bool, level: int, fields: str = "own"
    ) -> None:
        """`fields` is a name of `agents.ADDED`, or `own`."""
        self._added = agents.ADDED.get(fields)
        self.name = name
        self.level = level
        self._output = output
        self._console = Console(scope, colour=colour) if console else None
        self._logger: Any = None

    def open(self) -> None:
        """Make the logger."""
        self._logger = self._make()

    def _make(self) -> Any:
        structlog = private_structlog()
        render = self._render_console if self._console else structlog.processors.JSONRenderer(_dumps)
        return structlog.wrap_logger(
            _Lines(self._output),
            processors=[_in_order, render],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            context_class=dict,
            cache_logger_on_first_use=False,
        )

    def write(self, finding: Finding, count: int) -> None:
        """Say one finding. Raises whatever the output raises."""
        if self._logger is None:
            self.open()
        if self._console and finding.rule.code == "AW000" and "expired_ignores" not in finding.evidence:
            return
        fields = to_dict(finding, count=count, pid=os.getpid(), now=time.time())
        if self._added is not None:
            fields = {**self._added(fields), **fields}
        event = fields.pop("event")
        getattr(self._logger, finding.level)(event, _finding=finding, **fields)

    def _render_console(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        assert self._console is not None
        return self._console.render(event["_finding"], event["count"], event["timestamp"])

    def fileno(self) -> int | None:
        """The descriptor that is written to; None when it is ours no more."""
        return self._output.fileno()

    def close(self) -> None:
        self._output.close()


@functools.cache
def private_structlog() -> Any:
    """structlog, the program's if it has imported it, else a copy that is ours alone.

    A module in `sys.modules` that the program did not import can be harm: structlog answers any look-up of an unknown
    name with an import, so that `for module in sys.modules.values(): hasattr(module, …)` breaks in the middle.
    """
    if "structlog" in sys.modules:
        return sys.modules["structlog"]
    import structlog

    for name in list(sys.modules):
        if name.partition(".")[0] == "structlog":
            del sys.modules[name]
    return structlog


_ORDER = ("timestamp", "level", "code", "rule", "event")


def _in_order(logger: Any, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """structlog puts the event last; readers look for it first."""
    return {**{key: event[key] for key in _ORDER}, **event}


def _dumps(event: dict[str, Any], **options: Any) -> str:
    event.pop("_finding", None)
    line = _line(event)
    for text, items in ((300, 20), (100, 6)):
        if len(line) <= LONGEST:
            return line
        line = _line({**_shorter(event, text, items), "cut": True})
    if len(line) > LONGEST:
        line = _line({**_shorter({key: event[key] for key in _CORE}, 100, 6), "evidence": {}, "cut": True})
    return line


def _line(event: dict[str, Any]) -> str:
    text = json.dumps(event, ensure_ascii=False, default=str)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _shorter(value: Any, text: int, items: int) -> Any:
    """The same with the middle of long texts and lists left out: what is outermost and innermost stays."""
    if isinstance(value, str) and len(value) > text:
        return f"{value[: text // 2]}…{value[-text // 2 :]}"
    if isinstance(value, list | tuple):
        kept = value if len(value) <= items else [*value[: items // 2], *value[-items // 2 :]]
        return [_shorter(one, text, items) for one in kept]
    if isinstance(value, dict):
        return {key: _shorter(one, text, items) for key, one in value.items()}
    return value
