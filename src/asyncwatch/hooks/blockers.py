"""Everything that sees blocking calls, switched on as far as it was asked for.

Marked functions are watched unless AW104 is ignored; the table of blocking functions only when AW104 was selected.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

from asyncwatch import env, marks
from asyncwatch.config import Config
from asyncwatch.frames import Scope
from asyncwatch.hooks import audit, replaced
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.calls import Calls
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.monitor import Monitor
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.tasks import Ledger

CODE = "AW104"
MARKS_ONLY = "functions marked @not_in_async; all that block with --extend-select AW104"
STAYS = "an audit hook cannot be removed: it stays, idle, when the watch ends (about 0.2 us an audited event)"
PARTLY = "not reads and writes of files, locks, SQL statements and os.stat"


class Blockers:
    """The audit hook, the monitor or what replaces it, and the marks."""

    def __init__(self, config: Config, bus: Bus, loops: Loops, ledger: Ledger, scope: Scope) -> None:
        self.strict = CODE in bus.enabled
        self.marks = not config.is_ignored(CODE)
        self.calls = Calls(bus, loops, ledger, scope, config.allow_blocking)
        self.monitor = Monitor(bus, self.calls)
        self._on_call: Callable[[marks.Mark, FrameType], None] | None = None

    def install(self, patches: Patches) -> None:
        if self.marks:
            calls = self.calls
            self._on_call = lambda mark, frame: calls.marked(mark, frame, mark.code())
            marks.on_call.append(self._on_call)
            marks.on_mark.append(self.monitor.mark)
            self.monitor.watch_marks()
        if self.strict:
            audit.listen(self.calls)
            if not self.monitor.watch_calls():
                replaced.replace_all(patches, self.calls)

    def uninstall(self) -> None:
        audit.forget(self.calls)
        if self._on_call is not None:
            marks.on_call.remove(self._on_call)
            marks.on_mark.remove(self.monitor.mark)
            self._on_call = None
        self.monitor.uninstall()

    def after_fork(self) -> None:
        self.calls.forget()

    def rows(self) -> list[tuple[str, str, str]]:
        """What is seen of blocking calls, as a row of AW000."""
        if not self.strict:
            why = self.monitor.why if env.MONITORING is not None and self.monitor.why else ""
            return [("blocking-calls", "blind" if why else "armed", why or MARKS_ONLY)] if self.marks else []
        partly = f"{self.monitor.why}: {PARTLY}; " if self.monitor.why else ""
        return [("blocking-calls", "armed", partly + STAYS)]

    def totals(self) -> dict[str, Any]:
        return {"blocking_calls": self.calls.count} if self.calls.count else {}
