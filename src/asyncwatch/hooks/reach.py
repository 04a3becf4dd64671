"""Whether anything but tasks that wait for ever can reach what they wait for: the proof that they do.

The collector's own reckoning, on a small part of the heap. From the suspended frames of the waiting tasks references
are followed forward; what is referred to more often than by what was found has a holder outside, and so does all that
it leads to. A task that waits for something with a holder outside may go on, so what its frames lead to counts as held
as well; and so on. What is left when nothing changes any more nobody alive can set, fill or release. It is what Go's
goroutine leak profile asks. Whoever holds a task could cancel it; but a task is no way to what it waits for.
https://github.com/python/cpython/blob/3.13/InternalDocs/garbage_collector.md
"""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Iterable, Sequence
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from asyncwatch.hooks.waiting import links

# Objects looked at; more than these and nothing is proven. About a microsecond each.
MOST_OBJECTS = 3_000

# What leads nowhere, or everywhere: whoever holds something by a module's globals is a holder outside.
_LEAVES: tuple[type, ...] = (
    str, bytes, bytearray, int, float, complex, type(None), type, ModuleType, CodeType, FrameType,
    asyncio.AbstractEventLoop, asyncio.Task, asyncio.Handle, weakref.ref,
)  # fmt: skip


def unreachable(tasks: Sequence[Any], targets: list[Any]) -> tuple[set[int], int]:
    """The indices of the tasks that nothing can wake, and how many objects were looked at.

    `targets` are what each waits at; the list is emptied, and nobody else may hold them on our behalf.
    """
    graph = _Graph()
    roots = [[graph.node(link) for link in links(task)] for task in tasks]
    goals = [graph.node(target) for target in targets]
    targets.clear()
    for task in tasks:
        graph.awaited_by_task(task._fut_waiter)
    if not graph.follow():
        return set(), graph.size
    alive = graph.spread(graph.held({index for root in roots for index in root}), set())
    waiting = set(range(len(goals)))
    while woken := {number for number in waiting if goals[number] in alive}:
        waiting -= woken
        alive = graph.spread([index for number in woken for index in roots[number]], alive)
    return waiting, graph.size


class _Graph:
    """A part of the heap: objects, how often they refer to each other, and what each leads to."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._index: dict[int, int] = {}
        self._counts: list[int] = []
        self._edges: list[list[int]] = []

    @property
    def size(self) -> int:
        return len(self._nodes)

    def node(self, thing: Any) -> int:
        index = self._index.get(id(thing))
        if index is None:
            index = self._index[id(thing)] = len(self._nodes)
            self._nodes.append(thing)
            self._counts.append(0)
        return index

    def awaited_by_task(self, future: Any) -> None:
        """A task refers to the future that it awaits; that is no holder."""
        self._counts[self.node(future)] += 1

    def follow(self) -> bool:
        """All references forward; False when there are too many."""
        while len(self._edges) < len(self._nodes) <= MOST_OBJECTS:
            edges = [self.node(other) for other in _leads_to(self._nodes[len(self._edges)])]
            for edge in edges:
                self._counts[edge] += 1
            self._edges.append(edges)
        return len(self._nodes) <= MOST_OBJECTS

    def held(self, frames: set[int]) -> list[int]:
        """What has a holder outside, the suspended frames aside."""
        found = []
        for index, references in enumerate(_references(self._nodes)):
            extra = references - _OWN - self._counts[index]
            if index not in frames and (extra > 0 or _is_weakly_held(self._nodes[index])):
                found.append(index)
        return found

    def spread(self, todo: list[int], alive: set[int]) -> set[int]:
        """`alive`, and all that these lead to."""
        while todo:
            index = todo.pop()
            if index not in alive:
                alive.add(index)
                todo.extend(self._edges[index])
        return alive


def _leads_to(thing: Any) -> Iterable[Any]:
    if type(thing) is FunctionType:  # not to its globals
        found: Iterable[Any] = (*(thing.__closure__ or ()), thing.__defaults__, thing.__kwdefaults__)
    else:
        found = gc.get_referents(thing)
    return (other for other in found if not issubclass(type(other), _LEAVES))


def _is_weakly_held(thing: Any) -> bool:
    """Whether somebody may get at it by a weak reference; of a future we have one ourselves."""
    return weakref.getweakrefcount(thing) > issubclass(type(thing), asyncio.Future)


def _references(things: list[Any]) -> list[int]:
    return [sys.getrefcount(thing) for thing in things]


class _Probe:
    pass


def _baseline() -> int:
    return _references([_Probe()])[0]


# What the list and the counting itself add: measured, since interpreters differ in what a local variable costs.
_OWN = _baseline()
