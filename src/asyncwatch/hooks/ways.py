"""What was found by walking a stack outwards, remembered by the frames that led there.

Each frame is a step, told by its code and position; frames that stand the same way lead to the same end.
"""

from __future__ import annotations

from types import CodeType, FrameType
from typing import Any

from asyncwatch import env

# Programs that build code without end must not make us keep it all.
MOST_STEPS = 20_000


def root_of(task: Any) -> FrameType | None:
    """The outermost frame of a running task."""
    return getattr(env.coro_of(task), "cr_frame", None) if task is not None else None


class Ways:
    """`steps` leads from key to key, each a dictionary, to something of the type `kind`.

    A key is `id(code) + lasti` as in sites.py, negative where the running task's outermost frame is the end.
    """

    def __init__(self, kind: type) -> None:
        self.steps: dict[int, Any] = {}
        self._kind = kind
        self._count = 0
        self._codes: dict[int, CodeType] = {}  # kept alive, so that the keys stay true

    def find(self, frame: FrameType | None, root: FrameType | None) -> Any:
        """What these frames lead to; None where nothing was learned of them."""
        way = self.steps
        while frame is not None:
            key = id(frame.f_code) + frame.f_lasti
            step = way.get(key if frame is not root else -key)
            if step is None or type(step) is self._kind:
                return step
            way, frame = step, frame.f_back
        return None

    def learn(self, start: FrameType, last: FrameType, root: FrameType | None, found: Any) -> None:
        """Remember which frames led there, the last of them included."""
        if self._count >= MOST_STEPS:
            self.steps.clear()
            self._codes.clear()
            self._count = 0
        way, frame = self.steps, start
        while True:
            self._count += 1
            self._codes[id(frame.f_code)] = frame.f_code
            key = id(frame.f_code) + frame.f_lasti
            key = key if frame is not root else -key
            if frame is last:
                way[key] = found
                return
            way, above = way.setdefault(key, {}), frame.f_back
            if type(way) is self._kind or above is None:
                return
            frame = above
