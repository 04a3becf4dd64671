"""The way from the loop's thread to the watcher: one bounded buffer, and the switch that turns a broken hook off."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType

from asyncwatch.events import Event, PartFailed
from asyncwatch.frames import RawFrame

# Enough for a second of the worst flood seen; what does not fit is counted and said.
CAPACITY = 10_000
# Tasks recorded between two looks of the watcher, which are 25 ms apart at most: 80,000 a second.
ROOM = 2_000


class Bus:
    """Carries events. `enabled` are the codes that will be judged, so that nothing else is taken over."""

    def __init__(self, enabled: frozenset[str]) -> None:
        self.enabled = enabled
        self.queue: deque[Event] = deque()
        self.dropped = 0
        self.open = True
        self.broken: dict[str, str] = {}
        # How many more tasks may be recorded before the watcher looks again; a storm must not cost without bound.
        self.room = ROOM
        # Bound here, so that a test which replaces time.monotonic() does not move the watcher's clock.
        self.now = time.monotonic
        # The time of the watcher's last look, read by the loop's threads: an age costs them no call.
        self.clock = self.now()

    def emit(self, event: Event) -> bool:
        """Hand an event over; False when it was not taken and the host's own report must stand."""
        if not self.open:
            return False
        if len(self.queue) >= CAPACITY:
            self.dropped += 1
            return False
        self.queue.append(event)
        return True

    def works(self, part: str) -> bool:
        return self.open and part not in self.broken

    def fail(self, part: str, error: Exception) -> None:
        """A part of ours raised: it is switched off for good, and that is said once."""
        if part in self.broken:
            return
        self.broken[part] = text = describe(error)
        self.emit(PartFailed(None, part, text, traceback_frames(error.__traceback__)))


def describe(error: BaseException, limit: int = 300) -> str:
    """An exception in one line: its type and the start of its text; a text that cannot be made is left out."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        text = str(error)
    except Exception:
        return name
    text = " ".join(text[: 4 * limit].split())
    return f"{name}: {text[:limit]}" if text else name


def traceback_frames(traceback: TracebackType | None, limit: int = 64) -> tuple[RawFrame, ...]:
    """The raw frames of a traceback, outermost first; the innermost `limit` of them."""
    found: deque[RawFrame] = deque(maxlen=limit)
    while traceback is not None:
        found.append((traceback.tb_frame.f_code, traceback.tb_lasti))
        traceback = traceback.tb_next
    return tuple(found)
