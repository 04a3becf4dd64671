"""AW403 callback-exception: an exception escaped from a callback, or reached the loop's exception handler.

What it detects
    An exception in a callback given to `call_soon`, `call_later` or `add_done_callback`, in a protocol's method, a
    signal's handler or a server's, in an exception handler of the program's own, in the `finally` of an asynchronous
    generator that the loop closes, or whatever else asyncio hands to the loop's exception handler; also what the
    program or a library tells that handler without an exception. asyncio's own report of the same is taken over.
    `where` is the raising line; where that is none of the application's (a built-in as callback), the line that
    scheduled the callback, which debug mode knows and the evidence has as `scheduled_at`.

Why it matters
    The loop goes on as if nothing had happened, so the failure is a log line and nothing else: the timer does not
    fire again, the connection is dropped.

Example
        def refresh():
            cache["rates"] = latest["rates"]      # <- AW403
            loop.call_later(60, refresh)          # not reached: never again

Instead
    Catch in the callback what it can handle:

        def refresh():
            try:
                cache["rates"] = latest["rates"]
            except KeyError:
                log.warning("no rates yet")
            loop.call_later(60, refresh)

    Or make it a task, whose failure somebody awaits:

        async def refresher():
            while "rates" not in latest:
                await asyncio.sleep(60)
            cache["rates"] = latest["rates"]

    In source: none.

False alarms
    None known: it has reached the loop's handler. A handler set with `loop.set_exception_handler` is called as always.
    What a library says of something unclosed is AW402.

Settings
    `--ignore AW403` leaves asyncio's own report alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import outermost_first
from asyncwatch.events import CallbackFailed, Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope, resolve_all

RULE = Rule("AW403", "callback-exception", "error", "exceptions reached the loop", __doc__)


class Detector:
    """Judges one exception that reached the loop's handler."""

    listens = CallbackFailed

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, CallbackFailed)
        stack, scheduled = resolve_all(event.frames), outermost_first(event.scheduled)
        evidence: dict[str, object] = {"message": event.message}
        if event.exception:
            evidence = {"exception": event.exception, **evidence}
        made = self._scope.innermost(scheduled)
        if made is not None and self._scope.is_app(made.file):
            evidence["scheduled_at"] = made.to_dict()
        yield Finding(
            RULE,
            RULE.level,
            f"{event.message}: {event.exception}" if event.exception else event.message,
            self._place(event, stack, made),
            stack or scheduled,
            event.task,
            evidence,
            event.loop,
        )

    def _place(self, event: CallbackFailed, stack: tuple[Frame, ...], made: Frame | None) -> Frame | None:
        """The raising line; where that is no application's, the line that scheduled the callback, if it is one."""
        where = self._scope.innermost(stack)
        if where is not None and self._scope.is_app(where.file):
            return where
        if made is not None and self._scope.is_app(made.file):
            return made
        return where if event.exception else None
