"""Tasks: who created each and where, remembered as numbers and code objects; and what became of them.

The ledger maps a task's id to a weak reference that carries its record; it keeps no task alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import CoroutineType, FrameType
from typing import Any

from asyncwatch import env
from asyncwatch.events import ParentFacts, TaskFacts
from asyncwatch.frames import Frame
from asyncwatch.hooks import contexts, twins
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.names import coro_name, dotted, task_name
from asyncwatch.hooks.sites import Site, Sites
from asyncwatch.hooks.tables import Walk, items_of

PART = "hooks.tasks"
# Of the newest tasks, when one is looked for by its function.
MOST_SEARCHED = 2_000


class Parent(weakref.ref[Any]):
    """A task that created others: what is said of it once it is gone. `root` when no task created it."""

    __slots__ = ("coro", "module", "name", "root")

    root: bool
    name: str
    coro: str
    module: object

    @property
    def facts(self) -> ParentFacts:
        """Put together when it is said: few parents ever are."""
        return ParentFacts(self.name, dotted(self.module, self.coro))


class Record(weakref.ref[Any]):
    """What is known of one task: slots on the weak reference itself.

    When it has lived a while, `waits` refers to the future that it has waited for `since` it was first seen to; at
    `due` that is to be judged.
    """

    __slots__ = ("born", "due", "parent", "since", "site", "waits")

    born: float
    site: Site | None
    parent: Parent | None
    waits: weakref.ref[Any] | None
    since: float
    due: float


class Ledger:
    """The records of all tasks whose creation was seen, and of those that created others, by the task's id."""

    def __init__(self, bus: Bus, sites: Sites, *, shows_context: bool = True) -> None:
        self.shows_context = shows_context
        self.in_c = twins.COMPILED is not None
        # What makes a record, the table of them, and what makes a reference to what a task waits for.
        self.new, self.records, self.refer = _books()
        self.parents: dict[int, Parent] = {}
        self.left: dict[int, Record] = {}  # by the task's id, those that were pending when their loop ended
        # What is below each replacement of a `create_task`.
        self.originals: weakref.WeakKeyDictionary[Callable[..., Any], Callable[..., Any]] = weakref.WeakKeyDictionary()
        self.sites = sites
        # Told of the loop of each task that was created in no task's step.
        self.by_nobody: Callable[[Any], object] = id
        self.brief = 0  # dropped tasks that ended before anybody could call them that
        self._bus = bus
        self.notice: Callable[[Any], object] = id  # told of a loop that may be older than we are

    def lies_on(self, replacement: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
        """Remember what is below a replacement of ours."""
        self.originals[replacement] = original
        return replacement

    def meet(self, loop: Any, frame: FrameType, current: Any) -> Site | None:
        """The site of a task that is created where none was before, or in a library's line."""
        self.notice(loop)
        return self.sites.find(frame, current)

    def places(self) -> tuple[dict[int, Site], Callable[..., Site | None]]:
        """The sites that are known by their key, and what looks for the others."""
        return self.sites.known, self.meet

    def parent(self, current: Any, loop: Any) -> Parent | None:
        """Remember a task that creates its first child on this loop; None is no task's step."""
        if current is None:
            self.by_nobody(loop)
            return None
        record = self.record_of(current)
        parent = self.parents[id(current)] = Parent(current)
        parent.root = record is None or record.parent is None
        parent.name, coro = task_name(current), current.get_coro()
        if type(coro) is CoroutineType and (frame := coro.cr_frame) is not None:
            parent.coro, parent.module = coro.__qualname__, frame.f_globals.get("__name__")
        else:
            parent.coro, parent.module = coro_name(current), None
        return parent

    def walk(self) -> Walk:
        """A way through the records, the newest first, that stands at its end."""
        cursor: Callable[[], Walk] | None = getattr(self.records, "cursor", None)
        return Walk(self.records) if cursor is None else cursor()

    def forget_parents(self) -> None:
        """Drop what is known of tasks that are gone; their children keep what they need."""
        if twins.COMPILED is not None:
            keys = list(self.parents)
            while keys:
                twins.COMPILED.drop_gone(keys, self.parents)
            return
        for key, parent in items_of(self.parents):
            if parent() is None and self.parents.get(key) is parent:
                del self.parents[key]

    def record_of(self, task: Any) -> Record | None:
        """The record of a living task, also of one that the collector is finalising (its references are cleared)."""
        record = self.records.get(id(task))
        if record is None or (found := record()) is task:
            return record
        # Of one that was skipped, the address may have been another's, whose record is still here.
        return record if found is None and record.born > self._bus.skipped_at else None

    def facts(self, task: Any) -> TaskFacts:
        """A task as events carry it."""
        record = self.record_of(task)
        created = record.site.frames if record and record.site else ()
        parent = record.parent.facts if record and record.parent else None
        return TaskFacts(task_name(task), coro_name(task), created, parent, self._context(task))

    def _context(self, task: Any) -> contexts.Shown:
        if not self.shows_context or not self._bus.works(contexts.PART):
            return ()
        try:
            return contexts.of_task(task)
        except Exception as error:
            self._bus.fail(contexts.PART, error)
            return ()

    def running(self, root: Frame | None) -> TaskFacts | None:
        """The one task whose coroutine is this function, which was seen running; None when that is not clear."""
        if root is None:
            return None
        found = None
        for record in list(self.records.values())[-MOST_SEARCHED:]:
            task = record()
            code = getattr(env.coro_of(task), "cr_code", None) if task is not None else None
            if code is not None and (code.co_filename, code.co_name) == (root.file, root.function):
                if found is not None:
                    return None
                found = task
        return self.facts(found) if found is not None else None


def _books() -> tuple[type[Record], dict[int, Record], Callable[[Any], weakref.ref[Any]]]:
    # Those in C take half the memory, and bring the collector no nearer.
    if twins.COMPILED is None:
        return Record, {}, weakref.ref
    return twins.COMPILED.Record, twins.COMPILED.Records(), twins.COMPILED.Waits


def is_over(record: weakref.ref[Any]) -> bool:
    """Whether the task behind a record is done, or gone."""
    task = record()
    return task is None or bool(task.done())
