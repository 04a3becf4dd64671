"""The tree of all tasks at one moment: plain data, no task, frame or coroutine in it, and its text."""

from __future__ import annotations

from typing import Any

from asyncwatch import plain
from asyncwatch.frames import Frame


@plain.record
class TaskLink:
    """Another task of the same tree, by its number there and its name."""

    number: int
    name: str

    def to_dict(self) -> dict[str, Any]:
        return {"number": self.number, "name": self.name}


@plain.record
class TaskNode:
    """One task. Stacks are outermost first; `age` is in seconds, None for a task whose creation nobody saw.

    `state` is `running` (a step of it runs now), `ready` (it waits for its turn), `waiting` (`waits_for` says for what
    kind of thing), `failed` (done, and nobody has asked for the exception), or, of a parent that is only named, `done`
    or `gone`. `awaits` are the tasks it waits for. `children` are the tasks that it created.
    """

    number: int
    name: str
    coro: str
    state: str
    age: float | None = None
    waits_for: str | None = None
    awaits: tuple[TaskLink, ...] = ()
    exception: str | None = None
    where: Frame | None = None
    stack: tuple[Frame, ...] = ()
    created: tuple[Frame, ...] = ()
    parent: str | None = None
    children: tuple[TaskNode, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: what is not known is absent."""
        found: dict[str, Any] = {"number": self.number, "name": self.name, "coro": self.coro, "state": self.state}
        for key in ("age", "waits_for", "exception", "parent"):
            if getattr(self, key) is not None:
                found[key] = getattr(self, key)
        if self.where is not None:
            found["where"] = self.where.to_dict()
        for key in ("stack", "created", "awaits", "children"):
            if getattr(self, key):
                found[key] = [item.to_dict() for item in getattr(self, key)]
        return found


@plain.record
class LoopNode:
    """One loop and its tasks, those first that no living task created.

    `stack` is the callback that runs now if it is no task's step, `note` says why something is not shown.
    """

    kind: str
    thread: str
    number: int
    running: bool
    count: int
    tasks: tuple[TaskNode, ...] = ()
    stack: tuple[Frame, ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "loop": self.kind,
            "thread": self.thread,
            "number": self.number,
            "running": self.running,
            "count": self.count,
            "tasks": [task.to_dict() for task in self.tasks],
        }
        if self.stack:
            found["stack"] = [frame.to_dict() for frame in self.stack]
        if self.note:
            found["note"] = self.note
        return found


@plain.record
class Tree:
    """All tasks of a process, by loop. `left_out` is how many at most were not looked at, for being too many.

    `unreadable` is how many could not be read, being no usual tasks. `str()` of it is the text that
    `asyncwatch tree` prints.
    """

    pid: int
    loops: tuple[LoopNode, ...]
    left_out: int = 0
    unreadable: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "pid": self.pid,
            "count": sum(loop.count for loop in self.loops),
            "left_out": self.left_out,
            "unreadable": self.unreadable,
            "loops": [loop.to_dict() for loop in self.loops],
        }

    def __str__(self) -> str:
        from asyncwatch.tree_text import render

        return render(self.to_dict())
