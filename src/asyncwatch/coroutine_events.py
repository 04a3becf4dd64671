"""What is observed of coroutines and async generators: those that never ran, and those that nobody closed."""

from __future__ import annotations

from asyncwatch import plain
from asyncwatch.events import Event, TaskFacts
from asyncwatch.frames import RawFrame


@plain.record
class CoroutineDropped(Event):
    """A coroutine object was destroyed without ever having run.

    `origin` is where it was created, innermost first, as `(file, line, function)`, known in debug mode only;
    `dropped` is the stack at its destruction, innermost first. `created` is the same stack at its creation, where the
    calls in the program's code leave no other place; where they do, `candidates` are the places left.
    """

    name: str
    definition: RawFrame
    origin: tuple[tuple[str, int, str], ...]
    dropped: tuple[RawFrame, ...]
    task: TaskFacts | None
    created: tuple[RawFrame, ...] = ()
    candidates: tuple[RawFrame, ...] = ()


@plain.record
class AsyncgenLeft(Event):
    """An async generator that had begun was neither run to its end nor closed.

    `iterated` is the stack at its first iteration, innermost first, from the program's own line inwards; empty when
    nobody saw it. `stands` is the `yield` it waits at, in the generator's own code. `left_to` is who closes it now:
    `collector`, `shutdown` (`loop.shutdown_asyncgens()`), or `nobody` when its loop is closed. `ending` when the loop
    was being shut down already.
    """

    name: str
    iterated: tuple[RawFrame, ...]
    stands: RawFrame
    left_to: str
    ending: bool
    task: TaskFacts | None = None


@plain.record
class AsyncgenLate(Event):
    """An async generator was first iterated when its loop had closed all of them already."""

    name: str
    iterated: tuple[RawFrame, ...]
    definition: RawFrame
    task: TaskFacts | None = None
