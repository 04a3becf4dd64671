"""AW401 wrong-thread-call: a loop method that is not thread-safe was called from a thread that does not run the loop.

What it detects
    `call_soon`, `call_later` and `call_at` of a running loop, called in another thread, and whatever goes by way of
    them: `create_task`, `Future.set_result` and `Task.cancel` of something that is awaited, `Queue.put_nowait`,
    `Event.set`. asyncio and uvloop ask for this in debug mode only, and then raise `RuntimeError` in the caller, which
    the program gets as without us. `where` is the call; the evidence has the thread, and in `loop_at` the line at which
    the loop's own thread stood. In light it is `create_task` only, called while the loop ran no task.

Why it matters
    Without debug mode nothing is raised. The callback stands in the queue of a loop that sleeps, and runs when
    something else wakes it: now, in a minute, never. Two threads that change the loop's lists at once break them.

Example
        def on_message(client, message):          # in the library's thread
            loop.call_soon(done.set_result, message)      # <- AW401

Instead
    The two methods that may be called from everywhere:

        def on_message(client, message):
            loop.call_soon_threadsafe(done.set_result, message)

    And for a coroutine:

        async def handle(message):
            done.set_result(message)

        def on_message(client, message):
            asyncio.run_coroutine_threadsafe(handle(message), loop)

    In source: none.

False alarms
    None known. A loop that does not run yet may be prepared in any thread, and nothing is said of that. What asyncio
    does not ask for is not seen: `transport.write()`, `loop.add_reader()`, `loop.stop()` from another thread. A call
    that only a library's lines lead to is level info.

Settings
    `--ignore AW401`; the error in debug mode is asyncio's and stays.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import level_for, outermost_first, place
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope, called_at, resolve
from asyncwatch.resource_events import ForeignCall

RULE = Rule("AW401", "wrong-thread-call", "error", "calls came from a thread that does not run the loop", __doc__)


class Detector:
    """Judges one call."""

    listens = ForeignCall

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, ForeignCall)
        stack = outermost_first(event.frames)
        where = self._scope.innermost(stack)
        call = self._call(event, where)
        meanwhile = outermost_first(event.loop_frames)
        at = self._scope.innermost(meanwhile)
        evidence: dict[str, object] = {
            "call": call,
            "method": event.method,
            "thread": event.thread,
            "refused": event.refused,
            "loop_was": "idle" if at is None else "running",
        }
        if at is not None:
            evidence["loop_at"] = at.to_dict()
        loop_thread = event.loop.thread if event.loop is not None else "another"
        doing = f"stood in {place(at)}" if at is not None else "waited for something to do"
        text = f"{call}() was called in thread {event.thread!r}, while {loop_thread!r}, which runs the loop, {doing}"
        yield Finding(RULE, level_for(RULE.level, where, self._scope), text, where, stack, None, evidence, event.loop)

    @staticmethod
    def _call(event: ForeignCall, where: Frame | None) -> str:
        """What the line calls, as it is written there, else the function that was called by it."""
        inner = event.method
        for raw in event.frames:
            frame = resolve(raw)
            if frame == where:
                return called_at(raw) or inner
            inner = frame.function
        return inner
