"""Tasks on their way into the tree: what was read of each, and their nesting by parent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asyncwatch.events import ParentFacts
from asyncwatch.frames import Frame, RawFrame, Scope
from asyncwatch.hooks.loans import Loan
from asyncwatch.hooks.reading import Reading
from asyncwatch.hooks.tasks import Record
from asyncwatch.task_tree import TaskLink, TaskNode

# Deeper than this a task stands beside its parent: a chain of a thousand would be no help to look at.
DEEPEST = 64
MOST_CREATION_FRAMES = 64

Frames = Callable[[tuple[RawFrame, ...]], tuple[Frame, ...]]


class Sprout:
    """One task, borrowed."""

    __slots__ = ("awaits", "loan", "number", "parent", "parent_facts", "reading", "record", "task")

    def __init__(self, task: Any, loan: Loan, record: Record | None) -> None:
        self.task = task
        self.loan = loan
        self.record = record
        self.reading: Reading | None = None
        self.parent: Any = None
        self.parent_facts: ParentFacts | None = None
        self.number = 0
        self.awaits: list[Sprout] = []

    def waits_for_tasks(self, task: Any) -> bool:
        """Whether it waits now for `task`, or for several of which that may be one."""
        reading = self.reading
        if reading is None or reading.state != "waiting":
            return False
        if reading.future is task or reading.kind == "tasks":
            return True
        # wait_for of 3.11 waits at a future of its own for the task that it has made. A task group's parent is heard of
        # here too, whatever it does meanwhile.
        return bool(reading.stack) and reading.stack[0][0].co_qualname == "wait_for"

    def created(self, frames: Frames) -> tuple[Frame, ...]:
        """Where it was created, outermost first; what asyncio's debug mode wrote down where we have nothing."""
        if self.record is not None and self.record.site is not None:
            return frames(self.record.site.frames)
        stack = getattr(self.task, "_source_traceback", None) or ()
        return tuple(
            Frame(str(entry.filename), int(entry.lineno or 0), str(entry.name))
            for entry in list(stack)[-MOST_CREATION_FRAMES:]
        )


def nest(sprouts: list[Sprout], now: float, frames: Frames, scope: Scope) -> tuple[TaskNode, ...]:
    """The nodes of one loop's tasks, each below the one that created it; a parent that is no more is named only."""
    places = _places(sprouts)
    children: dict[int, list[Sprout]] = {}
    orphans: dict[int, list[Sprout]] = {}
    roots: list[Sprout] = []
    for sprout in sprouts:
        above = places[sprout.number][0]
        if above is not None:
            children.setdefault(above.number, []).append(sprout)
        elif sprout.parent_facts is None:
            roots.append(sprout)
        else:
            # Which parent it was is told by the weak reference, which lives as long as the record does.
            orphans.setdefault(id(sprout.record.parent) if sprout.record else 0, []).append(sprout)
    built: dict[int, TaskNode] = {}
    for sprout in sorted(sprouts, key=lambda one: -places[one.number][1]):  # what is below comes first
        below = tuple(built[one.number] for one in children.get(sprout.number, ()))
        built[sprout.number] = _node(sprout, below, now, frames, scope)
    found = [built[root.number] for root in roots]
    for family in orphans.values():
        facts, state = family[0].parent_facts, "gone" if family[0].parent is None else "done"
        if facts is not None:
            below = tuple(built[one.number] for one in family)
            found.append(TaskNode(0, facts.name, facts.coro, state, children=below))
    return tuple(found)


def _places(sprouts: list[Sprout]) -> dict[int, tuple[Sprout | None, int]]:
    """By number: the task that each stands below, and how deep."""
    shown = {id(sprout.task): sprout for sprout in sprouts}
    places: dict[int, tuple[Sprout | None, int]] = {}
    for sprout in sprouts:
        path: list[Sprout] = []
        one: Sprout | None = sprout
        while one is not None and one.number not in places:
            path.append(one)
            one = shown.get(id(one.parent)) if one.parent is not None else None
        depth = places[one.number][1] if one is not None else -1
        for below in reversed(path):
            if one is not None and depth >= DEEPEST:
                places[below.number] = (places[one.number][0], depth)
            else:
                depth += 1
                places[below.number] = (one, depth)
            one = below
    return places


def _node(sprout: Sprout, children: tuple[TaskNode, ...], now: float, frames: Frames, scope: Scope) -> TaskNode:
    reading = sprout.reading
    assert reading is not None
    stack = frames(reading.stack)
    facts = sprout.parent_facts
    return TaskNode(
        sprout.number,
        reading.name,
        reading.coro,
        reading.state,
        age=round(max(0.0, now - sprout.record.born), 3) if sprout.record is not None else None,
        waits_for=reading.kind,
        awaits=tuple(TaskLink(one.number, one.reading.name) for one in sprout.awaits if one.reading is not None),
        exception=reading.exception,
        where=scope.innermost(stack),
        stack=stack,
        created=sprout.created(frames),
        parent=facts.name if facts is not None else None,
        children=children,
    )
