"""AW301 coroutine-never-awaited: a coroutine object was dropped without ever running.

What it detects
    A call of an `async def` function whose result was thrown away: its body never ran. The interpreter's own warning
    of the same is taken over. The place is where the coroutine was created. In profile debug the interpreter remembers
    that of each coroutine. In light nothing is remembered, for that would cost every `await`; it is found afterwards:
    in the expression that dropped the coroutine, in the function that this expression called, or as the only call in
    the program that neither is awaited nor throws its result away on the spot.

Why it matters
    The work was silently not done: the mail not sent, the row not saved.

Example
        async def order(request):
            save(request)                         # <- AW301

Instead
    Now:

        async def order(request):
            await save(request)

    Beside other work:

        async def order(request):
            async with asyncio.TaskGroup() as group:
                group.create_task(save(request))
                group.create_task(save(f"copy of {request}"))

    Or not at all, and that on purpose:

        async def order(request):
            saving = save(request)
            saving.close()

    In source: flake8-async and ruff ASYNC105, for trio's functions only; mypy's `unused-coroutine`, pyright's
    `reportUnusedCoroutine`.

False alarms
    None known: the interpreter itself states that the coroutine was never awaited. `line_is` in the evidence says what
    the place is: `created`, or where several calls could have made it `dropped`, the line at which it was thrown away;
    or `defined`, the function itself, when that line is unknown (the garbage collector ran) or a library's. The calls
    that could have made it are `candidates` in the evidence. Info when the line is a library's.

Settings
    `--ignore AW301` leaves the interpreter's own warning alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.coroutine_events import CoroutineDropped
from asyncwatch.detectors.places import level_for, outermost_first
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope, resolve, resolve_all

RULE = Rule("AW301", "coroutine-never-awaited", "warning", "coroutines were never awaited", __doc__)


class Detector:
    """Judges one coroutine that never ran."""

    listens = CoroutineDropped

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, CoroutineDropped)
        stack, line_is = self._line(event)
        definition = resolve(event.definition)
        where = definition if line_is == "defined" else self._scope.innermost(stack)
        candidates = resolve_all(event.candidates) if line_is != "created" else ()
        evidence: dict[str, object] = {
            "coroutine": event.name,
            "defined_at": definition.to_dict(),
            "line_is": line_is,
        }
        if candidates:
            evidence["candidates"] = [one.to_dict() for one in candidates]
        # A library's coroutine whose line is unknown may have been dropped by the library, unless the program calls it.
        blamed = candidates[0] if candidates and line_is == "defined" else where
        yield Finding(
            RULE,
            level_for(RULE.level, blamed, self._scope),
            f"coroutine {event.name!r} was never awaited",
            where,
            stack,
            event.task,
            evidence,
            event.loop,
        )

    def _line(self, event: CoroutineDropped) -> tuple[tuple[Frame, ...], str]:
        """The stack, and what its innermost line is; of the definition there is none."""
        if event.origin:
            return tuple(Frame(file, line, function) for file, line, function in reversed(event.origin)), "created"
        if event.created:
            return outermost_first(event.created), "created"
        stack = outermost_first(event.dropped)
        # A function that ended under a library's line was called by the library, and dropped it, not its caller.
        ours = self._scope.is_app(event.definition[0].co_filename)
        if stack and (self._scope.is_app(stack[-1].file) or not ours):
            return stack, "dropped"
        return stack, "defined"
