"""AW302 asyncgen-not-closed: an async generator was left to the garbage collector or to the loop's shutdown.

What it detects
    An async generator that had begun was neither run to its end nor closed: an `async for` that was left by `break`,
    `return`, an exception or cancellation does not close what it iterates. What follows its `yield` (a `finally`, the
    end of a `with`) runs later, in another task, or never. The place is the line that iterated it, else its definition;
    the evidence says at which `yield` it stands and whether anything is left to do there.

    Level info when nothing is left to do there, when the generator is a library's, or when the loop was being shut down
    anyway; that an async generator was first iterated after `loop.shutdown_asyncgens()` is a warning.

Why it matters
    The connection, the lock or the transaction that the generator holds is held on, for as long as the collector takes;
    then it is released in a task of its own, where no timeout and no context variable of its caller holds, and where an
    exception has nobody to be raised to.

Example
        async def rows(pool):
            async with pool.acquire() as connection:
                async for row in connection.cursor("select 1"):
                    yield row

        async def first(pool):
            async for row in rows(pool):          # <- AW302
                return row                # the connection is still taken

Instead
    Close it where it was opened:

        from contextlib import aclosing

        async def rows(pool):
            async with pool.acquire() as connection:
                async for row in connection.cursor("select 1"):
                    yield row

        async def first(pool):
            async with aclosing(rows(pool)) as every:
                async for row in every:
                    return row

    Or do without: open it where it is used.

        async def first(pool):
            async with pool.acquire() as connection:
                return (await connection.fetch("select 1"))[0]

    In source: flake8-async ASYNC900 (opt-in), any async generator but a context manager's; ASYNC119, which ruff has in
    preview, a `yield` inside a context manager. They see that it could be left open, this rule that it was.

False alarms
    Silent for what was run to its end or closed: by `aclose()`, `contextlib.aclosing`, an `@asynccontextmanager` or an
    exit stack that was left, or by an exception that was raised inside the generator, as a cancelled `await` in it.
    Silent for one that never began. Not seen when the program has its own `sys.set_asyncgen_hooks` in place of the
    loop's, nor in a loop that was running already when the watching began.

Settings
    `--ignore AW302` leaves the loop's own ResourceWarning alone and hooks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.cleanups import has_cleanup
from asyncwatch.coroutine_events import AsyncgenLate, AsyncgenLeft
from asyncwatch.detectors.places import level_for, outermost_first
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, RawFrame, Scope, resolve

RULE = Rule("AW302", "asyncgen-not-closed", "warning", "async generators were not closed", __doc__)

_LEFT = {
    "collector": "was left to the garbage collector",
    "shutdown": "was left to the loop's shutdown",
    "nobody": "was left when its loop was closed already: nobody will close it",
}


class Detector:
    """Judges one async generator that was not closed."""

    listens = (AsyncgenLeft, AsyncgenLate)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        if isinstance(event, AsyncgenLate):
            yield self._late(event)
        elif isinstance(event, AsyncgenLeft):
            yield self._left(event)

    def _left(self, event: AsyncgenLeft) -> Finding:
        code, lasti = event.stands
        stack, where, evidence = self._place(event.name, event.iterated, (code, 0))
        cleanup = has_cleanup(code, lasti)
        evidence |= {"stands_at": resolve(event.stands).to_dict(), "cleanup": cleanup, "left_to": event.left_to}
        closed_in_the_end = event.left_to == "shutdown" or (event.ending and event.left_to == "collector")
        blamed = cleanup and self._scope.is_app(code.co_filename) and not closed_in_the_end
        level = level_for(RULE.level, where, self._scope) if blamed else "info"
        what = f"async generator {event.name!r} {_LEFT[event.left_to]}"
        return Finding(RULE, level, what, where, stack, event.task, evidence, event.loop)

    def _late(self, event: AsyncgenLate) -> Finding:
        stack, where, evidence = self._place(event.name, event.iterated, event.definition)
        evidence["left_to"] = "nobody"
        level = level_for(RULE.level, where, self._scope)
        what = f"async generator {event.name!r} was first iterated after loop.shutdown_asyncgens()"
        return Finding(RULE, level, what, where, stack, event.task, evidence, event.loop)

    def _place(
        self, name: str, iterated: tuple[RawFrame, ...], definition: RawFrame
    ) -> tuple[tuple[Frame, ...], Frame, dict[str, object]]:
        stack = outermost_first(iterated)
        defined = resolve(definition)
        evidence: dict[str, object] = {
            "generator": name,
            "defined_at": defined.to_dict(),
            "line_is": "iterated" if stack else "defined",
        }
        return stack, self._scope.innermost(stack) or defined, evidence
