"""What is observed of futures, threads and resources: failures nobody asked for, foreign calls, things never closed."""

from __future__ import annotations

from asyncwatch import plain
from asyncwatch.events import Event, TaskFacts
from asyncwatch.frames import Place, RawFrame


@plain.record
class FutureFailed(Event):
    """A future that is no task failed, and its exception was never asked for.

    `kind` is its class; `frames` the exception's traceback, outermost first, empty when it was never raised. `created`
    is where the future was made and `dropped` the stack that destroyed it, both innermost first, both empty where that
    is not known. `children` are the tasks whose failure it carries, as those of `gather()`.
    """

    kind: str
    exception: str
    frames: tuple[RawFrame, ...]
    created: tuple[Place, ...]
    dropped: tuple[RawFrame, ...]
    children: tuple[TaskFacts, ...]
    task: TaskFacts | None


@plain.record
class ForeignCall(Event):
    """A loop's `method` that is not thread-safe was called in `thread`, which does not run that loop.

    `frames` is the calling stack, `loop_frames` what the loop's own thread did meanwhile, empty while it waited for
    something to do; both innermost first. `refused` when debug mode raised an error in the caller.
    """

    method: str
    thread: str
    frames: tuple[RawFrame, ...]
    loop_frames: tuple[RawFrame, ...]
    refused: bool


@plain.record
class ResourceUnclosed(Event):
    """A resource was destroyed, or outlived its loop, without having been closed.

    `kind` is what it is in a word: transport, stream, server, process, loop, socket, session …; `type` its class.
    `serves` is the program's protocol or handler behind it, where there is one. `created` and `dropped` as for a
    future; `late` when its loop was closed already.
    """

    kind: str
    type: str
    serves: str
    created: tuple[Place, ...]
    dropped: tuple[RawFrame, ...]
    late: bool
    task: TaskFacts | None
