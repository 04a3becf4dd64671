"""One time a loop did not answer: what was seen on its thread meanwhile, cut into single callbacks and steps.

Twenty-five short callbacks in one turn keep a loop as silent as one long one; only a callback that is itself long
is a slow callback. A step is told by its task. A plain callback is told by its frame object, which is marked:
`f_trace_lines` of a frame is ours to clear while nobody traces that thread, a fresh call starts with it set.
https://docs.python.org/3/reference/datamodel.html#frame.f_trace_lines
"""

from __future__ import annotations

import sys
from collections import Counter
from types import CodeType, FrameType
from typing import Any

from asyncwatch.events import TaskFacts
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.sites import inside, is_callback_code

MOST_STACKS = 64
MOST_SEGMENTS = 256

Stack = tuple[RawFrame, ...]


class Segment:
    """One callback or step: when it was first and last seen, and the stacks seen."""

    def __init__(self, key: object, began: float, task: TaskFacts | None) -> None:
        self.key = key
        self.began = began
        self.seen_at = began
        self.task = task
        self.stacks: Counter[Stack] = Counter()
        self.unseen = 0.0  # time in which the watcher itself could not look
        self.exact: float | None = None  # the length by asyncio's own clock, in debug mode
        self.told = False  # asyncio's own line says more than the samples do

    def add(self, stack: Stack, now: float, gap: float) -> None:
        self.seen_at = now
        self.unseen += gap
        if stack in self.stacks or len(self.stacks) < MOST_STACKS:
            self.stacks[stack] += 1

    @property
    def placeless(self) -> bool:
        """Whether no look found a frame: native code called by the loop itself."""
        return set(self.stacks) == {()}

    def explained(self, duration: float) -> bool:
        """Whether it was looked at often enough for its samples to stand for the whole."""
        return bool(self.stacks) and self.unseen <= duration / 2


class Look:
    """What one glance at a loop's thread shows: the stack inside its current callback, and which callback it is."""

    def __init__(
        self, frame: FrameType | None, task: Any, base: CodeType | None, previous: Segment | None, *, traced: bool
    ) -> None:
        self.stack: Stack = ()
        self.key: object = None
        stack, root = inside(frame, task, base)
        if root is None and frame is not None and is_callback_code(frame.f_code):
            root = frame  # a built-in function as callback has no frame; the handle that calls it has
        if root is None:
            return  # nothing that starts callbacks stands below: the loop has not begun to turn
        self.stack = tuple(stack)
        self.key = id(task) if task is not None else self._mark(root, previous, traced)

    def _mark(self, root: FrameType, previous: Segment | None, traced: bool) -> object:
        if traced:
            return (id(root), root.f_code)
        if root.f_trace_lines:
            root.f_trace_lines = False
            return object()
        return previous.key if previous is not None else object()


def frame_of(ident: int) -> FrameType | None:
    """The frame a thread is running now. To be dropped before the GIL is given away: it holds the program's locals."""
    return sys._current_frames().get(ident)


class Hold:
    """The time from a loop's last sign of life to its next."""

    def __init__(self, alive_at: float, asked_at: float, period: float) -> None:
        # The callback began between the last sign of life and the next look; a look that came late was kept from
        # coming by what began before it was due.
        due = min(asked_at, alive_at + period)
        self.began = (alive_at + due) / 2
        self.segments: list[Segment] = []
        self.looked_at = due

    def add(self, look: Look, now: float, period: float, task: TaskFacts | None) -> None:
        gap = now - self.looked_at
        late = gap if gap > 3 * period else 0.0
        segment = self.segments[-1] if self.segments else None
        if segment is None or look.key != segment.key:
            began = self.began if segment is None else self.looked_at + gap / 2
            segment = Segment(look.key, began, task)
            self.segments.append(segment)
            del self.segments[:-MOST_SEGMENTS]
        segment.add(look.stack, now, late)
        self.looked_at = now

    def close(self, end: float, period: float) -> None:
        """The loop answered at `end`; what the watcher could not see since its last look counts as unseen."""
        tail = end - self.looked_at
        if self.segments and tail > 3 * period:
            self.segments[-1].unseen += tail

    @property
    def current(self) -> Segment | None:
        return self.segments[-1] if self.segments else None
