"""Findings: one diagnosed condition each, and what identifies a rule. No text is laid out here."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from asyncwatch.events import LoopFacts, TaskFacts
from asyncwatch.frames import Frame, resolve_all
from asyncwatch.paths import short_path

LEVELS = {"info": 20, "warning": 30, "error": 40}


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its code, the condition's name, its usual level and the user's page.

    `many` is the phrase that follows a count in the summary: "3 callbacks held the loop".
    """

    code: str
    name: str
    level: str
    many: str
    page: str
    opt_in: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One condition that was observed. `stack` is outermost first; `where` is the line to change."""

    rule: Rule
    level: str
    event: str
    where: Frame | None = None
    stack: tuple[Frame, ...] = ()
    task: TaskFacts | None = None
    evidence: dict[str, Any] = dataclasses.field(default_factory=dict)
    loop: LoopFacts | None = None

    @property
    def fingerprint(self) -> str:
        """What makes two findings the same one: the rule and the place."""
        if self.where is None:
            told = (self.evidence.get(key) for key in ("part", "serves", "message"))
            about = self.task.coro if self.task else str(next(filter(None, told), ""))
            return f"{self.rule.code}:{about}" if about else self.rule.code
        return f"{self.rule.code}:{short_path(self.where.file)}:{self.where.function}:{self.where.line}"


def task_dict(task: TaskFacts) -> dict[str, Any]:
    """A task as JSON has it: `created` outermost first, absent where the creation was not seen."""
    found: dict[str, Any] = {"name": task.name, "coro": task.coro}
    if task.created:
        found["created"] = [frame.to_dict() for frame in resolve_all(reversed(task.created))]
    if task.parent:
        found["parent"] = {"name": task.parent.name, "coro": task.parent.coro}
    return found


def to_dict(finding: Finding, *, count: int, pid: int, now: float) -> dict[str, Any]:
    """One finding as the JSON line's keys, in the line's order. `now` is seconds since the epoch."""
    stamp = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    found: dict[str, Any] = {
        "timestamp": stamp,
        "level": finding.level,
        "code": finding.rule.code,
        "rule": finding.rule.name,
        "event": finding.event,
    }
    if finding.where:
        found["where"] = finding.where.to_dict()
    if finding.stack:
        found["stack"] = [frame.to_dict() for frame in finding.stack]
    if finding.task:
        found["task"] = task_dict(finding.task)
    found["evidence"] = finding.evidence
    found["fingerprint"] = finding.fingerprint
    found["count"] = count
    found["pid"] = pid
    if finding.loop:
        found["thread"] = finding.loop.thread
        found["loop"] = finding.loop.kind
    if finding.task and finding.task.context:
        found["context"] = dict(finding.task.context)
    return found
