"""What hooks observe: plain records, made on the loop's thread or the watcher's, judged by detectors.

They hold numbers, strings, ids and code objects; never a frame, a task, a coroutine or a value of the program.
Times are seconds of `time.monotonic()`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from asyncwatch.frames import Place, RawFrame


@dataclasses.dataclass(frozen=True, slots=True)
class LoopFacts:
    """A loop as findings name it."""

    kind: str
    thread: str
    number: int


@dataclasses.dataclass(frozen=True, slots=True)
class ParentFacts:
    """The task that was current when another was created."""

    name: str
    coro: str


@dataclasses.dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task as findings name it. `created` is innermost first and empty where nobody saw it being created."""

    name: str
    coro: str
    created: tuple[RawFrame, ...] = ()
    parent: ParentFacts | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """The base of all events: where it happened, if on a loop."""

    loop: LoopFacts | None


@dataclasses.dataclass(frozen=True, slots=True)
class Started(Event):
    """Watching began; each hook is `(name, state, reason)` with state armed or blind."""

    profile: str
    hooks: tuple[tuple[str, str, str], ...]
    versions: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Ended(Event):
    """Watching ended; everything the run counted."""

    totals: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class PartFailed(Event):
    """A hook, detector or sink raised and was switched off."""

    part: str
    error: str
    stack: tuple[RawFrame, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Collection:
    """One run of the garbage collector: how long, which generation, how many objects it freed, and where it began."""

    seconds: float
    generation: int
    collected: int
    at: RawFrame | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """Where the seconds went while a loop was held; None where the machine does not tell.

    `ran` is CPU time of the loop's thread, `waited` the time it was runnable without a CPU, `throttled` the time its
    control group had used up its quota, `stopped` the time in which the watcher's own thread was not run though it
    waited for nothing, `gil` the time in which the watcher was awake and the GIL was not to be had. The first three
    were counted over `span` seconds, which is a little more than the loop was held: from one look to another.
    `contended` is the part of them in which the thread asked for the GIL while others of the process ran.
    """

    ran: float | None = None
    waited: float | None = None
    throttled: float | None = None
    stopped: float = 0.0
    gil: float = 0.0
    span: float = 0.0
    contended: float = 0.0
    collections: tuple[Collection, ...] = ()


# Stacks seen with how often each was, or for how many looks' time it stood; innermost first, the loop's frames cut off.
Samples = tuple[tuple[tuple[Place, ...], int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class StepHeld(Event):
    """One callback or step kept its loop from answering.

    `uncertainty` is how far off `duration` may be because the watcher was late itself. `holder` names the thread
    that held the GIL if it was not the loop's: then `samples` are that thread's. `hung` when it was said before.
    """

    duration: float
    threshold: float
    samples: Samples
    task: TaskFacts | None
    account: Account
    exact: bool = False
    uncertainty: float = 0.0
    holder: str | None = None
    hung: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class LoopHung(Event):
    """A callback or step has held its loop for `hang_after` seconds, and still does unless `ended`."""

    duration: float
    hang_after: float
    samples: Samples
    task: TaskFacts | None
    account: Account
    ended: bool = False
    holder: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class TurnsLong(Event):
    """A callback waited `lag` seconds for its turn though none of those before it was slow.

    `callbacks` are those told apart by looking, `longest` the longest of them in seconds.
    """

    lag: float
    threshold: float
    samples: Samples
    callbacks: int
    longest: float
    account: Account


@dataclasses.dataclass(frozen=True, slots=True)
class ExecutorWaits(Event):
    """Work for a loop's default executor has waited for a thread and still does, and all threads are at work.

    `busy` is what the threads run, innermost first and without the pool's own frames, with how many run it;
    `running` is who queued that work, where it is known; `queued` is who queued what waits, through asyncio's `call`.
    """

    waited: float
    threshold: float
    workers: int
    waiting: int
    busy: tuple[tuple[tuple[RawFrame, ...], int], ...]
    running: tuple[tuple[tuple[RawFrame, ...], int], ...]
    queued: tuple[RawFrame, ...]
    call: str
    task: TaskFacts | None


@dataclasses.dataclass(frozen=True, slots=True)
class CoroutineDropped(Event):
    """A coroutine object was destroyed without ever having run.

    `origin` is where it was created, innermost first, as `(file, line, function)`, known in debug mode only;
    `dropped` is the stack at its destruction, innermost first.
    """

    name: str
    definition: RawFrame
    origin: tuple[tuple[str, int, str], ...]
    dropped: tuple[RawFrame, ...]
    task: TaskFacts | None


@dataclasses.dataclass(frozen=True, slots=True)
class CallbackFailed(Event):
    """An exception reached the loop's exception handler; `frames` is its traceback, outermost first."""

    message: str
    exception: str
    frames: tuple[RawFrame, ...]
    task: TaskFacts | None
