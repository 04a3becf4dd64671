"""What is observed of calls: one that blocks, or one of a function that must not run on a loop's thread."""

from __future__ import annotations

from asyncwatch import plain
from asyncwatch.events import Event, TaskFacts
from asyncwatch.frames import RawFrame


@plain.record
class CallBlocked(Event):
    """A call that is known to block was made on a loop's thread, in a task.

    `call` is the function's public name and the name of its row in `blocking_calls`; `frames` begin with the line that
    called it, innermost first, and end with the task's own.
    """

    call: str
    frames: tuple[RawFrame, ...]
    task: TaskFacts | None


@plain.record
class MarkedCalled(Event):
    """A function marked `@not_in_async` ran on a loop's thread.

    `defined` is the start of the function, None for one that is no Python code; `frames` begin with its caller.
    `instead` is what its author says to call.
    """

    function: str
    instead: str
    defined: RawFrame | None
    frames: tuple[RawFrame, ...]
    task: TaskFacts | None
