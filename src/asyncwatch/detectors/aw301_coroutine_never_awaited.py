"""AW301 coroutine-never-awaited: a coroutine object was dropped without ever running.

What it detects
    A call of an `async def` function whose result was thrown away: its body never ran. The interpreter's own warning
    of the same is taken over. In profile debug the line is where the coroutine was created; in light it is the line
    that dropped it, which for a forgotten `await` is the same.

Why it matters
    The work was silently not done: the mail not sent, the row not saved.

Example
    async def order(request):
        save(request)                # forgot await

Instead
    async def order(request):
        await save(request)

    In source: flake8-async ASYNC105 (trio); mypy's `unused-coroutine`, pyright's `reportUnusedCoroutine`.

False alarms
    None known: the interpreter itself states that the coroutine was never awaited. The evidence says whether the
    line is where it was created or where it was dropped; destroyed by the garbage collector, it has no line in light.

Settings
    `--ignore AW301` leaves the interpreter's own warning alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import level_for, outermost_first
from asyncwatch.events import CoroutineDropped, Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope, resolve

RULE = Rule("AW301", "coroutine-never-awaited", "warning", "coroutines were never awaited", __doc__)


class Detector:
    """Judges one coroutine that never ran."""

    listens = CoroutineDropped

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, CoroutineDropped)
        origin = tuple(Frame(file, line, function) for file, line, function in reversed(event.origin))
        stack = origin or outermost_first(event.dropped)
        where = self._scope.innermost(stack)
        evidence: dict[str, object] = {
            "coroutine": event.name,
            "defined_at": resolve(event.definition).to_dict(),
            "line_is": "created" if origin else ("dropped" if stack else "unknown"),
        }
        yield Finding(
            RULE,
            RULE.level if where is None else level_for(RULE.level, where, self._scope),
            f"coroutine {event.name!r} was never awaited",
            where,
            stack,
            event.task,
            evidence,
            event.loop,
        )
