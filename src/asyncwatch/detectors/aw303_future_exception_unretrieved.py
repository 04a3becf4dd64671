"""AW303 future-exception-unretrieved: a future that is no task failed, and nobody asked for the exception.

What it detects
    A future of `loop.create_future()`, `run_in_executor()`, `gather()` or `shield()` that got an exception and was
    destroyed without anybody having awaited it, called `exception()` or `result()`. asyncio's own report of the same
    is taken over. In profile debug the line is where the future was made. In light that is known for a call of
    `run_in_executor()` and for a `gather()` of coroutines; else it is the line that dropped the future, and there is
    none when the loop or the garbage collector did. `raised_at` in the evidence is the line that raised, if any did.

Why it matters
    The work was not done and nobody knows. A failed `gather()` hides its children's failures as well: it speaks for
    the first of them, and the others are never heard of.

Example
        async def publish(path):
            loop = asyncio.get_running_loop()
            loop.run_in_executor(None, write, path)       # <- AW303

Instead
    Wait for it:

        async def publish(path):
            await asyncio.to_thread(write, path)

    Or listen:

        def log_failure(future):
            if not future.cancelled() and future.exception():
                log.error("not written", exc_info=future.exception())

        async def publish(path):
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(None, write, path)
            future.add_done_callback(log_failure)

    Instead of a `gather()` that nobody awaits, a task group. A future of your own that nobody need ask:
    `future.exception()` after `set_exception()` says that it is meant so.

    In source: none; ruff RUF006 and flake8-async ASYNC300 know tasks only.

False alarms
    None known: the interpreter itself states that the exception was never retrieved. A future that a library made for
    itself is level info. A `gather()` whose children were cancelled is none, though asyncio says so of it, too: that
    report is left alone.

Settings
    `--ignore AW303` leaves asyncio's own report alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import creation, level_for, outermost_first
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope, called_at, resolve_all
from asyncwatch.resource_events import FutureFailed

RULE = Rule("AW303", "future-exception-unretrieved", "warning", "futures failed and nobody asked", __doc__)

# What asyncio calls the future of `gather()`.
GATHERING = "_GatheringFuture"


class Detector:
    """Judges one failed future."""

    listens = FutureFailed

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, FutureFailed)
        where, stack, line_is = self._place(event)
        raised = resolve_all(event.frames)
        evidence: dict[str, object] = {"exception": event.exception, "line_is": line_is}
        at = self._scope.innermost(raised)
        if at is not None:
            evidence["raised_at"] = at.to_dict()
        if event.children:
            evidence["children"] = [child.name for child in event.children]
        what = "gather()" if event.kind == GATHERING else f"a {event.kind}" if event.kind != "Future" else "a future"
        yield Finding(
            RULE,
            RULE.level if where is None else level_for(RULE.level, where, self._scope),
            f"{what} failed and nobody asked: {event.exception}",
            where,
            stack or raised,
            event.task,
            evidence,
            event.loop,
        )

    def _place(self, event: FutureFailed) -> tuple[Frame | None, tuple[Frame, ...], str]:
        """The line that made it, else the one that dropped it."""
        created = outermost_first(event.created) or self._gathered(event)
        stack = created or outermost_first(event.dropped)
        where = self._scope.innermost(stack)
        if not created and where is not None and not self._scope.is_app(where.file):
            where, stack = None, ()  # that asyncio let go of it says nothing
        return where, stack, "unknown" if where is None else "created" if created else "dropped"

    def _gathered(self, event: FutureFailed) -> tuple[Frame, ...]:
        """The call of `gather()` that made its children into tasks: all were created by this one call."""
        if event.kind != GATHERING or not event.children:
            return ()
        made = {child.created[0] for child in event.children if child.created}
        raw = made.pop() if len(made) == 1 else None
        if raw is None or (called_at(raw) or "").rpartition(".")[2] != "gather":
            return ()
        return creation(event.children[0], self._scope)[1]
