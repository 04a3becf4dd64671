"""The frames of other threads, as they are at one moment: read in one call of C code, in which no thread gets its turn.

Between two steps of Python the thread may go on. A function that ends while somebody holds its frame leaves its
variables to whoever lets go of that last, so what is wanted of many frames is written down within the call.
https://github.com/python/cpython/blob/3.13/Python/frame.c (take_ownership)
"""

from __future__ import annotations

import _thread
import functools
import itertools
import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType
from typing import Any

from asyncwatch.env import HAS_GIL, can_read_frames, in_one_go, ready

Places = tuple[tuple[CodeType, int], ...]

_POSITION = operator.attrgetter("f_code", "f_lasti")


def current_frames() -> dict[int, FrameType]:
    """The frame of each other thread, by its ident. One of ours would refer to what it is kept in."""
    if not can_read_frames():
        return {}
    found: dict[int, FrameType] = in_one_go(sys._current_frames)
    del found[_thread.get_ident()]
    return found


def _outwards(frames: Iterable[FrameType | None]) -> Iterator[FrameType]:
    """The first of these and those that called it, innermost first."""
    steps: Iterator[Any] = itertools.chain(frames, itertools.repeat("f_back"))
    return itertools.takewhile(bool, itertools.accumulate(steps, getattr))


def frames_from(frame: FrameType | None) -> tuple[FrameType, ...]:
    """A frame and those that called it, as they are at one moment: the thread whose stack it is gets no turn."""
    found: tuple[FrameType, ...] = in_one_go(tuple, _outwards((frame,)))
    return found


def stack_of_thread(ident: int) -> Places:
    """Each frame of a thread as its code and position, innermost first; empty when there is no such thread.

    No frame object leaves the call.
    """
    if not can_read_frames():
        return ()
    frame = map(dict.get, map(operator.call, (sys._current_frames,)), (ident,))
    found: Places = in_one_go(tuple, map(_POSITION, _outwards(frame)))
    return found


class Snapshot:
    """The stacks of all other threads, made ready beforehand: what is made at the moment itself may start a collection,
    and while that takes its time, who has just given the GIL away goes on."""

    def __init__(self) -> None:
        self._take: Callable[[], Any] | None = None
        self._taken: tuple[list[int], list[Places]] | None = None

    def prepare(self) -> None:
        """To be called when there is time, before the moment; without it `take` does so."""
        self._taken = None
        if self._take is not None:
            return
        frames: dict[int, FrameType] = {}
        # `_outwards` of every frame, without a step of Python in between; nothing of it runs before the call.
        first = zip(itertools.chain.from_iterable(map(dict.values, (frames,))), strict=True)
        callers = map(itertools.chain, first, itertools.repeat(itertools.repeat("f_back")))
        steps = map(itertools.accumulate, callers, itertools.repeat(getattr))
        walks = map(itertools.takewhile, itertools.repeat(bool), steps)
        places = map(tuple, map(map, itertools.repeat(_POSITION), walks))
        acts: tuple[Callable[[], Any], ...] = (
            functools.partial(next, map(frames.update, map(operator.call, (sys._current_frames,)))),
            functools.partial(next, map(frames.pop, map(operator.call, (_thread.get_ident,)))),
            functools.partial(list, frames),
            functools.partial(list, places),
            frames.clear,
        )
        self._take = ready(list, map(operator.call, acts))

    def take(self) -> None:
        """Write them down now, where that can be done: while other threads run it cannot."""
        if not HAS_GIL or not can_read_frames():
            return
        self.prepare()
        take, self._take = self._take, None
        if take is not None:
            _, _, idents, places, _ = take()
            self._taken = idents, places

    def stacks(self) -> dict[int, Places]:
        """Those that were taken last, by the thread's ident, taken now if they were not; each is to be had once."""
        if self._taken is None:
            self.take()
        taken, self._taken = self._taken, None
        return dict(zip(*taken, strict=True)) if taken is not None else {}
