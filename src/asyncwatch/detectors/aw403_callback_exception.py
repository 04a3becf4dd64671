"""AW403 callback-exception: an exception escaped from a callback, or reached the loop's exception handler.

What it detects
    An exception in a callback given to `call_soon`, `call_later` or `add_done_callback`, in a protocol's method, or
    whatever else asyncio hands to the loop's exception handler. asyncio's own report of the same is taken over.

Why it matters
    The loop goes on as if nothing had happened, so the failure is a log line and nothing else: the timer does not
    fire again, the connection is dropped.

Example
    loop.call_later(60, refresh)     # refresh() raises: it will not be called again

Instead
    Catch in the callback what it can handle, or make it a task, whose failure somebody awaits:

    async def refresher():
        while True:
            await asyncio.sleep(60)
            await refresh()

False alarms
    None known: the exception has reached the loop's handler. A handler set with `loop.set_exception_handler` is
    called as always.

Settings
    `--ignore AW403` leaves asyncio's own report alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.events import CallbackFailed, Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope, resolve_all

RULE = Rule("AW403", "callback-exception", "error", "exceptions reached the loop", __doc__)


class Detector:
    """Judges one exception that reached the loop's handler."""

    listens = CallbackFailed

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, CallbackFailed)
        stack = resolve_all(event.frames)
        where = self._scope.innermost(stack)
        yield Finding(
            RULE,
            RULE.level,
            f"{event.message}: {event.exception}",
            where,
            stack,
            event.task,
            {"exception": event.exception, "message": event.message},
            event.loop,
        )
