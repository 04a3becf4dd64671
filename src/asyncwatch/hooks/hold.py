"""One time a loop did not answer: what was seen on its thread meanwhile, cut into single callbacks and steps.

Twenty-five short callbacks in one turn keep a loop as silent as one long one; only a callback that is itself long
is a slow callback. A step is told by its task. A plain callback is told by its frame object, which is marked:
`f_trace_lines` of a frame is ours to clear while nobody traces that thread, a fresh call starts with it set.
https://docs.python.org/3/reference/datamodel.html#frame.f_trace_lines
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from asyncwatch import plain
from asyncwatch.events import Samples, TaskFacts
from asyncwatch.frames import Frame, Place, resolve, stands_at_call
from asyncwatch.hooks import walks
from asyncwatch.hooks.stacks import Step, inside, is_callback_code

MOST_STACKS = 64
MOST_SEGMENTS = 256
# How often a silent loop is looked at, in seconds; what stood for longer counts for as many looks.
SAMPLING = 0.010
MOST_LOOKS = 3
# How much of a length may be missing or too much for it to be the same callback's, on a machine without a CPU to spare.
ABOUT = 0.25

# Code that runs in steps: one frame object for all of them.
_STEPS = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR

Stack = tuple[Place, ...]


@plain.record
class Blind:
    """A time in which the watcher could not look, up to now, and what is known of it.

    `stack` is where native code stood that held the GIL, in the thread `holder` if that is not the loop's own.
    """

    seconds: float
    since: float
    due: float
    cause: str
    stack: Stack = ()
    holder: str | None = None
    waited: float = 0.0  # for a CPU, by the loop's thread meanwhile

    @property
    def root(self) -> Frame | None:
        """The outermost frame of the loop's own callback or step; None where it is not known."""
        return resolve(self.stack[-1]) if self.stack and self.holder is None else None


class Segment:
    """One callback or step: when it was first and last seen, and the stacks seen."""

    def __init__(self, key: object, began: float, slack: float, task: TaskFacts | None) -> None:
        self.key = key
        self.began = began
        self.slack = slack  # how far off `began` may be
        self.seen_at = began
        self.task = task
        self.stacks: Counter[Stack] = Counter()
        self.foreign: Counter[Stack] = Counter()  # of the thread that held the GIL meanwhile
        self.holder: str | None = None
        self.gil = self.held_off = self.stopped = self.unseen = 0.0  # seconds the watcher could not look, and why
        self.both = 0.0  # of those stopped, when the loop's thread wanted a CPU too
        self.exact: float | None = None  # the length by asyncio's own clock, in debug mode
        self.told = False  # asyncio's own line says more than the samples do
        self.hung = False

    def add(self, stack: Stack, now: float, weight: int = 1) -> None:
        self.seen_at = now
        _count(self.stacks, stack, weight)

    def add_blind(self, blind: Blind) -> None:
        weight = max(1, round(blind.seconds / SAMPLING))
        if blind.cause == "gil" and blind.holder is not None:
            self.held_off += blind.seconds
            self.holder = blind.holder
            _count(self.foreign, blind.stack, weight)
        elif blind.cause == "gil" and blind.stack:
            self.gil += blind.seconds
            _count(self.stacks, blind.stack, weight)
        elif blind.cause == "stopped":
            self.stopped += blind.seconds
            self.both += min(blind.seconds, blind.waited)
        elif blind.cause != "code":
            self.unseen += blind.seconds

    def samples(self, duration: float) -> tuple[Samples, str | None]:
        """The stacks that stand for this segment, and whose they are if another thread held the GIL for most of it."""
        if self.holder is not None and self.held_off >= duration / 2:
            return tuple(self.foreign.most_common()), self.holder
        return tuple(self.stacks.most_common()), None

    @property
    def placeless(self) -> bool:
        """Whether no look found a frame: native code called by the loop itself."""
        return set(self.stacks) == {()}

    @property
    def seen(self) -> bool:
        """Whether a look, or a stack that was written down, shows what it was."""
        return bool(self.stacks or self.foreign)

    def explained(self, duration: float) -> bool:
        """Whether it was looked at often enough for its samples to stand for the whole."""
        return self.seen and self.unseen <= duration / 2


def _count(stacks: Counter[Stack], stack: Stack, weight: int) -> None:
    if stack in stacks or len(stacks) < MOST_STACKS:
        stacks[stack] += weight


class Look:
    """What one glance at a loop's thread shows: the stack inside its current callback, and which callback it is."""

    def __init__(
        self, frame: FrameType | None, task: Any, base: CodeType | None, previous: object, *, traced: bool
    ) -> None:
        """`previous` is the key of the callback that was seen last, None where that is over."""
        self.stack: Stack = ()
        self.key: object = None
        # Whether the innermost frame stands at a call: of native code, which has just ended if nobody could look.
        self.at_call = False
        stack, root = inside(frame, task, base)
        if root is None and frame is not None and is_callback_code(frame.f_code):
            root = frame  # a built-in function as callback has no frame; the handle that calls it has
        if root is None:
            return  # nothing that starts callbacks stands below: the loop has not begun to turn
        self.stack = tuple(stack)
        self.at_call = bool(stack) and frame is not None and stack[0] == (frame.f_code, frame.f_lasti)
        self.at_call = self.at_call and stands_at_call(stack[0])
        # The first step of an eager task is a part of the step or callback that started it.
        outer = inside(frame, None, base)[1] or root
        owner = task if outer is root else None
        if outer.f_code.co_flags & _STEPS or owner is not None:
            self.key = Step(outer, owner)
        else:
            self.key = self._mark(outer, previous, traced)

    def _mark(self, root: FrameType, previous: object, traced: bool) -> object:
        if traced:
            return (id(root), root.f_code)
        if root.f_trace_lines:
            root.f_trace_lines = False
            return object()
        return object() if previous is None or isinstance(previous, Step) else previous


def frame_of(ident: int) -> FrameType | None:
    """The frame a thread is running now. To be dropped before the GIL is given away: it holds the program's locals."""
    return walks.current_frames().get(ident)


class Hold:
    """The time from a loop's last sign of life to its next."""

    def __init__(self, alive_at: float, first_look: float) -> None:
        """What is first seen at `first_look` began between that and the last sign of life."""
        self.looked_at = alive_at
        self._first = first_look
        self.began = (alive_at + first_look) / 2
        self.segments: list[Segment] = []
        self.stacks: Counter[Stack] = Counter()  # of all callbacks, those too short to be kept too
        self.callbacks = 0
        self.longest = 0.0
        self.nowhere = 0  # looks that found the loop itself
        self.told = False  # asyncio has said what is known of it

    def look(self, look: Look, now: float, task: TaskFacts | None) -> None:
        """One glance into a callback."""
        segment = self.current
        if segment is None or look.key != segment.key:
            until = self._first if segment is None else now
            segment = self._begin(look.key, self.looked_at, until, task)
            stood = now - segment.began
        else:
            stood = now - self.looked_at
        # A look stands for the time since the last.
        weight = max(1, min(MOST_LOOKS, round(stood / SAMPLING)))
        segment.add(look.stack, now, weight)
        _count(self.stacks, look.stack, weight)
        self.looked_at = now

    def look_nowhere(self, now: float) -> None:
        self.nowhere += 1
        _count(self.stacks, (), 1)
        self.looked_at = now

    def blind(self, blind: Blind, key: object, task: TaskFacts | None, *, fresh: bool) -> None:
        """The watcher could not look until now; `fresh` when that was not the callback seen before it."""
        segment = self.current
        if segment is None or fresh:
            segment = self._begin(key, max(self.looked_at, blind.since), blind.due, task)
        segment.add_blind(blind)
        segment.seen_at = blind.due + blind.seconds
        if blind.cause == "gil":
            weight = max(1, round(blind.seconds / SAMPLING))
            _count(self.stacks, blind.stack, weight)
        self.looked_at = segment.seen_at

    def _begin(self, key: object, first: float, last: float, task: TaskFacts | None) -> Segment:
        last = max(first, last)
        began = (first + last) / 2
        self._close_last(began)
        segment = Segment(key, began, (last - first) / 2, task)
        self.segments.append(segment)
        del self.segments[:-MOST_SEGMENTS]
        self.callbacks += 1
        return segment

    def _close_last(self, end: float) -> None:
        if self.segments:
            self.longest = max(self.longest, end - self.segments[-1].began)

    def close(self, end: float, tail: float) -> None:
        """The loop answered at `end`; more than `tail` seconds after the last look were not seen."""
        self._close_last(end)
        unseen = end - self.looked_at
        if self.segments and unseen > tail:
            self.segments[-1].unseen += unseen

    def lengths(self, end: float) -> Iterator[tuple[Segment, float, float]]:
        """Each segment with its length and how far off that may be."""
        followers = [*((one.began, one.slack) for one in self.segments[1:]), (end, 0.0)]
        for segment, (until, slack) in zip(self.segments, followers, strict=False):
            yield segment, until - segment.began, segment.slack + slack

    def measured(self, duration: float, end: float, error: float) -> Segment | None:
        """The segment that was as long as somebody measured up to `end`; what follows it is how that was said."""
        for segment in self.segments[:-3:-1]:
            if abs(end - segment.began - duration) <= max(error + segment.slack, ABOUT * duration):
                return segment if end - segment.seen_at <= max(5 * SAMPLING, duration / 2) else None
            end = segment.began
        return None

    def claim(self, duration: float, end: float, error: float) -> bool:
        """Somebody measured a callback up to `end`: whether it is one seen here, whose length is now known exactly."""
        if not self.segments:
            self.told = True
            return False
        segment = self.measured(duration, end, error)
        if segment is None or not segment.explained(duration) or segment.exact is not None:
            return False
        if segment.placeless:
            segment.told = True  # asyncio knows at least who scheduled it
            return False
        segment.exact = duration
        return True

    @property
    def current(self) -> Segment | None:
        return self.segments[-1] if self.segments else None
