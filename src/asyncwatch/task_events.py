"""What is observed of tasks: who holds them, what became of them, what they wait for."""

from __future__ import annotations

from asyncwatch import plain
from asyncwatch.events import Event, TaskFacts
from asyncwatch.frames import RawFrame


@plain.record
class TaskUnheld(Event):
    """Nothing but its own wake-up refers to a task that is not done; `parent_done` is None without a parent.

    `dropper` is the frame whose statement threw the new task away, if one did.
    """

    task: TaskFacts
    age: float
    waits: tuple[RawFrame, ...]
    discarded: bool
    parent_done: bool | None
    dying: bool
    dropper: RawFrame | None = None


@plain.record
class TaskOutlived(Event):
    """The parent of a task is done, the task is not, and nobody will hear of its end; yet something holds it."""

    task: TaskFacts
    age: float
    waits: tuple[RawFrame, ...]


@plain.record
class TaskFailed(Event):
    """A task failed and its exception was never asked for; `frames` is the traceback, outermost first."""

    task: TaskFacts
    exception: str
    frames: tuple[RawFrame, ...]


@plain.record
class TaskLeft(Event):
    """A task was pending when its loop was shut down.

    `how`: the shutdown `cancelled` it, or the loop was `closed` over it, or left `open` when the program ended.
    """

    task: TaskFacts
    waits: tuple[RawFrame, ...]
    how: str
    reported: bool


@plain.record
class TaskDestroyed(Event):
    """A task was garbage-collected before it finished."""

    task: TaskFacts
    waits: tuple[RawFrame, ...]
    discarded: bool


@plain.record
class Standing:
    """Where one task stands: what kind of thing it waits for, and its frames, innermost first."""

    task: TaskFacts
    kind: str
    frames: tuple[RawFrame, ...]


@plain.record
class TaskStuck(Event):
    """A task has stood at one await for `waited` seconds, and no timeout would end that.

    `chain` are the tasks that wait for it, outermost first. `owner` holds what it waits for, where that is known.
    """

    standing: Standing
    waited: float
    chain: tuple[Standing, ...]
    owner: Standing | None


@plain.record
class TaskDeadlocked(Event):
    """A task waits for something that waits for it (`cycle`), or that nothing alive can reach.

    `members` are the tasks of the cycle in order, each waiting for the next; or those that wait at the same thing.
    `objects` is how many were looked at for the proof.
    """

    standing: Standing
    waited: float
    cycle: bool
    members: tuple[Standing, ...]
    objects: int


@plain.record
class TasksPileUp(Event):
    """Tasks created at one place: how many live, since when that grows, and their ages in seconds."""

    task: TaskFacts
    count: int
    before: int
    over: float
    pileup: int
    ages: tuple[float, float, float]


@plain.record
class CancelIgnored(Event):
    """A task was asked to cancel at least `asked` seconds ago, and runs on.

    `by` says who asked, as far as that can be seen, `request` is where, innermost first; `heard_by` are the tasks that
    wait for its end.
    """

    standing: Standing
    asked: float
    requests: int
    by: str
    heard_by: tuple[Standing, ...]
    request: tuple[RawFrame, ...] = ()
