"""The async_tree family, written anew from its public description in pyperformance's documentation.

A tree of tasks, each of which creates its children and waits for them; the leaves do the work that the variant is
named after: nothing; a sleep of 50 ms; the same with nine of ten found in a cache; half of them arithmetic instead.
Children are awaited with `gather` or in a task group, with the usual factory or the eager one. Four levels of six
instead of six, so that a batch is short enough to be interleaved: 1,554 tasks.
https://pyperformance.readthedocs.io/benchmarks.html#async-tree
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable

LEVELS = 4
BRANCHES = 6
SLEEP = 0.05
FACTORIAL = 500
CACHED = 0.9
CPU_SHARE = 0.5

Leaf = Callable[["Tree"], Awaitable[None]]


async def none(tree: Tree) -> None:
    """No work."""


async def io(tree: Tree) -> None:
    """A sleep, as long as a database's answer takes."""
    await asyncio.sleep(SLEEP)


async def memoization(tree: Tree) -> None:
    """The same, but most find in a cache what they want."""
    number = tree.random.randint(1, 100)
    if number <= 100 * CACHED:
        if tree.cache.get(number):
            return
        tree.cache[number] = True
    await asyncio.sleep(SLEEP)


async def cpu_io_mixed(tree: Tree) -> None:
    """Half of them compute."""
    if tree.random.random() < CPU_SHARE:
        math.factorial(FACTORIAL)
    else:
        await memoization(tree)


LEAVES: dict[str, Leaf] = {
    "none": none,
    "io": io,
    "memoization": memoization,
    "cpu_io_mixed": cpu_io_mixed,
}


class Tree:
    """One tree; its random numbers are the same in every run."""

    def __init__(self, leaf: Leaf, *, grouped: bool) -> None:
        self.random = random.Random(0)
        self.cache: dict[int, bool] = {}
        self.leaf = leaf
        self.grow = self.in_group if grouped else self.gathered
        self.tasks = 0

    async def gathered(self, level: int) -> None:
        """A node whose children are gathered."""
        if level == 0:
            await self.leaf(self)
            return
        self.tasks += BRANCHES
        await asyncio.gather(*(self.gathered(level - 1) for _ in range(BRANCHES)))

    async def in_group(self, level: int) -> None:
        """A node whose children are in a task group."""
        if level == 0:
            await self.leaf(self)
            return
        self.tasks += BRANCHES
        async with asyncio.TaskGroup() as group:
            for _ in range(BRANCHES):
                group.create_task(self.in_group(level - 1))


def workload(leaf: str, *, grouped: bool, eager: bool) -> Callable[[], Awaitable[int]]:
    """One tree as a workload: an operation is one task."""

    async def grow() -> int:
        tree = Tree(LEAVES[leaf], grouped=grouped)
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()
        if eager:
            loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        try:
            await tree.grow(LEVELS)
        finally:
            loop.set_task_factory(before)
        return tree.tasks

    return grow
