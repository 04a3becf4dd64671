"""The rules: one module each. Its docstring is the user's page, its `RULE` the row, its `Detector` the judgement.

A detector is pure: events go in, findings come out. It imports no asyncio, no clock and no output.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Protocol

from asyncwatch.detectors import (
    aw000_watching,
    aw001_watcher_fault,
    aw099_summary,
    aw101_slow_callback,
    aw102_loop_hung,
    aw103_loop_saturated,
    aw105_executor_saturated,
    aw201_task_dropped,
    aw202_task_orphaned,
    aw203_task_destroyed_pending,
    aw204_task_exception_unretrieved,
    aw205_task_left_running,
    aw206_task_stuck,
    aw207_task_deadlocked,
    aw208_task_pileup,
    aw209_cancellation_ignored,
    aw301_coroutine_never_awaited,
    aw403_callback_exception,
)
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope


class Detector(Protocol):
    """What the pipeline asks of a rule."""

    listens: type[Event] | tuple[type[Event], ...]

    def __init__(self, scope: Scope) -> None: ...

    def observe(self, event: Event) -> Iterable[Finding]: ...


# In the order of their codes.
MODULES: tuple[ModuleType, ...] = (
    aw000_watching,
    aw001_watcher_fault,
    aw099_summary,
    aw101_slow_callback,
    aw102_loop_hung,
    aw103_loop_saturated,
    aw105_executor_saturated,
    aw201_task_dropped,
    aw202_task_orphaned,
    aw203_task_destroyed_pending,
    aw204_task_exception_unretrieved,
    aw205_task_left_running,
    aw206_task_stuck,
    aw207_task_deadlocked,
    aw208_task_pileup,
    aw209_cancellation_ignored,
    aw301_coroutine_never_awaited,
    aw403_callback_exception,
)

RULES: tuple[Rule, ...] = tuple(module.RULE for module in MODULES)
CODES = frozenset(rule.code for rule in RULES)
OPT_IN = frozenset(rule.code for rule in RULES if rule.opt_in)
# These say how the watching itself goes: they cannot be ignored away.
ALWAYS = frozenset({"AW000", "AW001", "AW099"})


def build(enabled: frozenset[str], scope: Scope) -> list[tuple[Rule, Detector]]:
    """The detectors of the enabled rules, in code order."""
    return [(module.RULE, module.Detector(scope)) for module in MODULES if module.RULE.code in enabled | ALWAYS]
