"""The rules: one module each. Its docstring is the user's page, its `RULE` the row, its `Detector` the judgement.

A detector is pure: events go in, findings come out. It imports no asyncio, no clock and no output.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Protocol

from asyncwatch.config import Config, ConfigError
from asyncwatch.detectors import (
    aw000_watching,
    aw001_watcher_fault,
    aw099_summary,
    aw101_slow_callback,
    aw102_loop_hung,
    aw103_loop_saturated,
    aw104_blocking_call,
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
    aw302_asyncgen_not_closed,
    aw303_future_exception_unretrieved,
    aw401_wrong_thread_call,
    aw402_resource_unclosed,
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
    aw104_blocking_call,
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
    aw302_asyncgen_not_closed,
    aw303_future_exception_unretrieved,
    aw401_wrong_thread_call,
    aw402_resource_unclosed,
    aw403_callback_exception,
)

RULES: tuple[Rule, ...] = tuple(module.RULE for module in MODULES)
CODES = frozenset(rule.code for rule in RULES)
OPT_IN = frozenset(rule.code for rule in RULES if rule.opt_in)
# Of these a part is opt-in, the rest is said unless they are ignored: AW104 of functions marked @not_in_async.
PARTLY_OPT_IN = frozenset({"AW104"})
# These say how the watching itself goes: they cannot be ignored away.
ALWAYS = frozenset({"AW000", "AW001", "AW099"})
OF_CODES = ("select", "extend_select", "ignore", "fail_on")


def build(enabled: frozenset[str], scope: Scope) -> list[tuple[Rule, Detector]]:
    """The detectors of the enabled rules, in code order."""
    return [(module.RULE, module.Detector(scope)) for module in MODULES if module.RULE.code in enabled | ALWAYS]


def check_codes(config: Config) -> None:
    """Refuse codes that name no rule.

    Raises:
        ConfigError: naming the code.
    """
    named = {f"--{name.replace('_', '-')}": getattr(config, name) for name in OF_CODES}
    for place, codes in [*named.items(), *(("ignores", entry.codes) for entry in config.ignores)]:
        for code in codes:
            if not any(known.startswith(code) for known in CODES):
                raise ConfigError(f"{place}: there is no rule {code}; `asyncwatch explain` lists them")
