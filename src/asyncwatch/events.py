"""What hooks observe: plain records, made on the loop's thread or the watcher's, judged by detectors.

They hold numbers, strings, ids and code objects; never a frame, a task, a coroutine or a value of the program.
Times are seconds of `time.monotonic()`.
"""

from __future__ import annotations

from typing import Any

from asyncwatch import plain
from asyncwatch.frames import Place, RawFrame


@plain.record
class LoopFacts:
    """A loop as findings name it."""

    kind: str
    thread: str
    number: int


@plain.record
class ParentFacts:
    """The task that was current when another was created."""

    name: str
    coro: str


@plain.record
class TaskFacts:
    """A task as findings name it. `created` is innermost first and empty where nobody saw it being created.

    `context` is what the program's own log lines would say of it.
    """

    name: str
    coro: str
    created: tuple[RawFrame, ...] = ()
    parent: ParentFacts | None = None
    context: tuple[tuple[str, str | int | float | bool | None], ...] = ()


@plain.record
class Event:
    """The base of all events: where it happened, if on a loop."""

    loop: LoopFacts | None


@plain.record
class Started(Event):
    """Watching began; each hook is `(name, state, reason)` with state armed or blind."""

    profile: str
    hooks: tuple[tuple[str, str, str], ...]
    versions: dict[str, str]


@plain.record
class Ended(Event):
    """Watching ended; everything the run counted."""

    totals: dict[str, Any]


@plain.record
class Repeated(Event):
    """An event was observed so many `times` more at the same place, in too quick a succession to be told each time."""

    event: Event
    times: int


@plain.record
class PartFailed(Event):
    """A hook, detector or sink raised and was switched off."""

    part: str
    error: str
    stack: tuple[RawFrame, ...]


@plain.record
class LimitReached(Event):
    """A part of asyncwatch is full: from here on it counts and keeps no more. `text` is the sentence.

    `what` is what else befell it.
    """

    part: str
    text: str
    what: str = "is full"


@plain.record
class Collection:
    """One run of the garbage collector: how long, which generation, how many objects it freed, and where it began."""

    seconds: float
    generation: int
    collected: int
    at: RawFrame | None = None


@plain.record
class Account:
    """Where the seconds went while a loop was held; None where the machine does not tell.

    `ran` is CPU time of the loop's thread, `waited` the time it was runnable without a CPU, `throttled` the time its
    control group had used up its quota, `stopped` the time in which the watcher's own thread was not run though it
    waited for nothing, `gil` the time in which the watcher was awake and the GIL was not to be had. The first three
    were counted over `span` seconds, which is a little more than the loop was held: from one look to another.
    `contended` is the part of them in which the thread asked for the GIL while others of the process ran; `both` is
    the part of `waited` that lies in `stopped`.
    """

    ran: float | None = None
    waited: float | None = None
    throttled: float | None = None
    stopped: float = 0.0
    gil: float = 0.0
    span: float = 0.0
    contended: float = 0.0
    both: float = 0.0
    collections: tuple[Collection, ...] = ()

    @property
    def stood_still(self) -> float:
        """Seconds of `stopped` and of `waited` together, those that are in both counted once."""
        return self.stopped + max(0.0, (self.waited or 0.0) - self.both)


# Stacks seen with how often each was, or for how many looks' time it stood; innermost first, the loop's frames cut off.
Samples = tuple[tuple[tuple[Place, ...], int], ...]


@plain.record
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


@plain.record
class LoopHung(Event):
    """A callback or step has held its loop for `hang_after` seconds, and still does unless `ended`."""

    duration: float
    hang_after: float
    samples: Samples
    task: TaskFacts | None
    account: Account
    ended: bool = False
    holder: str | None = None


@plain.record
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


@plain.record
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


@plain.record
class CallbackFailed(Event):
    """An exception reached the loop's exception handler; `frames` is its traceback, outermost first.

    Without an exception `exception` is empty and `frames` the stack that told the handler. `scheduled` is where the
    callback was scheduled, innermost first, known in debug mode only.
    """

    message: str
    exception: str
    frames: tuple[RawFrame, ...]
    task: TaskFacts | None
    scheduled: tuple[Place, ...] = ()
