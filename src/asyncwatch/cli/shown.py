"""Findings of other processes, read back from their lines and shown as the process itself would have shown them."""

from __future__ import annotations

import json
import sys
from typing import Any

from asyncwatch import records
from asyncwatch.detectors import RULES
from asyncwatch.events import ParentFacts, TaskFacts
from asyncwatch.findings import LEVELS, Finding, Rule
from asyncwatch.frames import Frame, Scope, plain
from asyncwatch.sinks.console import Console
from asyncwatch.sinks.output import wants_colour

LONGEST_EVENT = 4_000
_RULES = {rule.code: rule for rule in RULES}


class Shown:
    """Standard output: what of each line is to be seen."""

    def __init__(self, *, console: bool, level: int, many: bool) -> None:
        colour = console and sys.stdout.isatty() and wants_colour()
        # A file of that name need not be the same here and where the program runs.
        self._console = Console(Scope(), colour=colour, source=False) if console else None
        self._level = level
        self._many = many
        self._last = ""

    def show(self, name: str, line: bytes) -> None:
        """Print a finding; anything else, the program's own lines for one, is passed over."""
        found = records.find(line)
        if found is None or (LEVELS.get(found["level"], 0) < self._level and not self._is_summary(found)):
            return
        text = self._text(found)
        if text and self._many and name != self._last:
            print(f"==> {plain(name)} <==")
            self._last = name
        if text:
            print(text, flush=True)

    def _is_summary(self, found: dict[str, Any]) -> bool:
        return self._console is not None and found["code"] == "AW099"

    def _text(self, found: dict[str, Any]) -> str:
        if self._console is None:
            return json.dumps(found)
        try:
            return self._console.render(rebuilt(found), found["count"], found["timestamp"])
        except Exception:  # of a version that says more than this one understands, or of somebody else's making
            return plain(f"{found['code']} {found['rule']} {found['event']}"[:LONGEST_EVENT])


def rebuilt(found: dict[str, Any]) -> Finding:
    """The finding that a line was made of, as far as the line says. Raises what malformed parts raise."""
    rule = _RULES.get(found["code"]) or Rule(found["code"], found["rule"], found["level"], found["event"], "")
    where = Frame(**found["where"]) if "where" in found else None
    stack = tuple(Frame(**frame) for frame in found.get("stack", ()))
    return Finding(rule, found["level"], found["event"], where, stack, _task(found.get("task")), found["evidence"])


def _task(found: dict[str, Any] | None) -> TaskFacts | None:
    if not found:
        return None
    parent = ParentFacts(found["parent"]["name"], found["parent"]["coro"]) if "parent" in found else None
    # Innermost first again. A frame that was written down is one that has been resolved.
    created: Any = tuple(Frame(**frame) for frame in reversed(found.get("created", ())))
    return TaskFacts(found["name"], found["coro"], created, parent)
