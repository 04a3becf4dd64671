"""Events made by hand: raw frames of code that stands at a chosen line, tasks with chosen names."""

from __future__ import annotations

import asyncio.queues
import inspect
from collections.abc import Iterable
from types import CodeType, ModuleType
from typing import Any

from asyncwatch.events import Event, LoopFacts, ParentFacts, TaskFacts
from asyncwatch.findings import Finding
from asyncwatch.frames import Frame, RawFrame, Scope

APP = "/app/shop/orders.py"
LIBRARY = inspect.getfile(asyncio.queues)
LOOP = LoopFacts("uvloop.Loop", "MainThread", 1)


def raw(function: str, line: int, file: str = APP) -> RawFrame:
    """A raw frame that stands at this line of this function."""
    module = compile("\n" * (line - 1) + f"def {function}(): pass", file, "exec")
    code = next(const for const in module.co_consts if isinstance(const, CodeType))
    return code, 0


def at(function: str, line: int, file: str = APP) -> Frame:
    """The same place, resolved."""
    return Frame(file, line, function)


def a_task(*created: RawFrame, parent: ParentFacts | None = None) -> TaskFacts:
    return TaskFacts("worker-3", "shop.orders.worker", created, parent)


def judge(rule: ModuleType, event: Event) -> list[Finding]:
    """What a rule's detector says of one event."""
    detector: Any = rule.Detector(Scope())
    findings: Iterable[Finding] = detector.observe(event)
    return list(findings)


def only(rule: ModuleType, event: Event) -> Finding:
    """The one finding that a rule makes of an event, under its own rule and on the event's loop."""
    (finding,) = judge(rule, event)
    assert finding.rule is rule.RULE
    assert finding.loop is event.loop
    return finding
