"""Where things came from and where they were dropped: what debug mode wrote down, and the stack of a destructor."""

from __future__ import annotations

import re
from asyncio import _get_running_loop
from collections.abc import Iterable
from types import FrameType
from typing import Any

from asyncwatch import env
from asyncwatch.events import TaskFacts
from asyncwatch.frames import PACKAGE, Frame, RawFrame
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.stacks import inside, is_loop_place
from asyncwatch.hooks.tasks import Ledger

# uvloop writes the stack that created a handle into its warning.
# https://github.com/MagicStack/uvloop/blob/v0.21.0/uvloop/handles/handle.pyx#L81 (UVHandle._warn_unclosed)
_WRITTEN = re.compile(r'^  File "(.+)", line (\d+), in (.+)$', re.M)
MOST = 64


def recorded(stack: Iterable[Any] | None, state: LoopState | None) -> tuple[Frame, ...]:
    """A stack that debug mode wrote down, innermost first and without what runs the loop."""
    entries = [(one.filename, one.lineno or 0, one.name) for one in stack or ()]
    return _inner(entries, state)


def written(text: str, state: LoopState | None) -> tuple[Frame, ...]:
    """The same from a text in the form of a traceback."""
    return _inner([(file, int(line), name) for file, line, name in _WRITTEN.findall(text)], state)


def _inner(entries: list[tuple[str, int, str]], state: LoopState | None) -> tuple[Frame, ...]:
    base = state.base if state is not None else None
    found: list[Frame] = []
    for file, line, name in reversed(entries[-MOST:]):
        if is_loop_place(file, name) or (base is not None and (base.co_filename, base.co_name) == (file, name)):
            break
        if not file.startswith(PACKAGE):
            found.append(Frame(file, line, name))
    return tuple(found)


class Droppers:
    """Who destroys a thing: the running step's stack, unless the collector does it, which runs at any line."""

    def __init__(self, loops: Loops, ledger: Ledger, collector: Collector) -> None:
        self._loops = loops
        self._ledger = ledger
        self._collector = collector
        self._current = env.current_task_getter()

    def seen_from(self, frame: FrameType | None) -> tuple[tuple[RawFrame, ...], TaskFacts | None]:
        """The frames from here outwards to the loop, innermost first, and the task whose step this is."""
        if self._collector.collecting_here:
            return (), None
        loop = _get_running_loop()
        state = self._loops.known(loop) if loop is not None else None
        task = self._current(loop) if loop is not None else None
        frames, root = inside(frame, task, state.base if state else None)
        facts = self._ledger.facts(task) if task is not None else None
        return tuple(frames) if root is not None or loop is None else (), facts
