"""AW402 resource-unclosed: a transport, stream, server, process, loop, socket or session was never closed.

What it detects
    What asyncio, uvloop and libraries say by a `ResourceWarning` when such an object is destroyed open, and a server
    that is still open when its loop has been closed; aiohttp's sessions and connectors are heard of as well. The
    interpreter's and the library's own words for the same are taken over. `where` is the line that made the object, as
    the evidence says in `line_is`; where nobody saw that, the line that dropped it; and none when it is known of
    neither, as for a connection that a client opened: then `serves` names the protocol or the handler.

    In light the interpreter's filters drop these warnings. Heard there: asyncio's own transports, streams, servers,
    processes and loops, and libraries that tell the loop. Sockets, and on uvloop transports without a stream, servers
    and processes, are heard in profile debug. Plain files and whatever is no business of an event loop are left to the
    interpreter; an executor has no such warning at all.

Why it matters
    The other side waits for an end that does not come. Descriptors run out days later, elsewhere. When the garbage
    collector closes it, data still in the buffer is lost.

Example
        async def ask(*address):
            reader, writer = await asyncio.open_connection(*address)  # <- AW402
            return await reader.readline()

Instead
    Close what was opened, and wait until it is:

        async def ask(*address):
            reader, writer = await asyncio.open_connection(*address)
            try:
                return await reader.readline()
            finally:
                writer.close()
                await writer.wait_closed()

    Where there is a context manager, `async with`: `aiohttp.ClientSession()`, `httpx.AsyncClient()`,
    `await asyncio.start_server(…)`; and `asyncio.run()`, which closes the loop that it makes.

    In source: none; ruff SIM115 is the same for files.

False alarms
    None known: the object itself states that it is open. What a library made, and what was open without a line of its
    own when the loop was closed (a client's connection at shutdown, say), is level info.

Settings
    `--ignore AW402` leaves the interpreter's and the library's own words alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import level_for, outermost_first
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope
from asyncwatch.resource_events import ResourceUnclosed

RULE = Rule("AW402", "resource-unclosed", "warning", "resources were never closed", __doc__)


class Detector:
    """Judges one resource."""

    listens = ResourceUnclosed

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, ResourceUnclosed)
        where, stack, line_is = self._place(event)
        evidence: dict[str, object] = {"resource": event.kind, "type": event.type, "line_is": line_is}
        if event.serves:
            evidence["serves"] = event.serves
        level = level_for(RULE.level, where, self._scope)
        if where is None and not event.late:
            level = RULE.level
        text = f"{event.kind} was never closed: {event.type}"
        if event.serves:
            text += f", which serves {event.serves}"
        yield Finding(RULE, level, text, where, stack, event.task, evidence, event.loop)

    def _place(self, event: ResourceUnclosed) -> tuple[Frame | None, tuple[Frame, ...], str]:
        """The line that made it, else the application's line that dropped it."""
        created = outermost_first(event.created)
        if created:
            return self._scope.innermost(created), created, "created"
        stack = outermost_first(event.dropped)
        where = self._scope.innermost(stack)
        if where is None or not self._scope.is_app(where.file):
            return None, (), "unknown"  # asyncio let go of what the program had left with it
        return where, stack, "dropped"
