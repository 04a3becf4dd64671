"""The garbage collector's runs: when, how long, and where the program stood.

https://docs.python.org/3/library/gc.html#gc.callbacks
"""

from __future__ import annotations

import gc
import sys
from collections import deque

from asyncwatch.events import Collection
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.bus import Bus

# Runs shorter than this are no part of anybody's stall; long runs kept for the looks to come.
SHORTEST = 0.002
KEPT = 64


class Collector:
    """Hears of each run; `collecting` while one goes on."""

    def __init__(self, bus: Bus) -> None:
        self._now = bus.now
        self.collecting = False
        self._began = 0.0
        self._at: RawFrame | None = None
        self._generation = 0
        self._runs: deque[tuple[float, float, Collection]] = deque(maxlen=KEPT)

    def install(self) -> None:
        gc.callbacks.append(self._on_gc)

    def uninstall(self) -> None:
        if self._on_gc in gc.callbacks:
            gc.callbacks.remove(self._on_gc)

    def _on_gc(self, phase: str, info: dict[str, int]) -> None:
        # Bound to one thread at a time: a run that begins while another goes on does nothing.
        if phase == "start":
            self.collecting = True
            self._at = _caller() if info["generation"] > 0 else None
            self._generation = info["generation"]
            self._began = self._now()
            return
        self.collecting = False
        end = self._now()
        if end - self._began >= SHORTEST:
            run = Collection(end - self._began, info["generation"], info["collected"], self._at)
            self._runs.append((self._began, end, run))

    def between(self, began: float, end: float) -> tuple[Collection, ...]:
        """The runs of any thread, for all of them hold the GIL, that fell into this time; one may still go on."""
        found = []
        runs = list(self._runs)
        if self.collecting:
            runs.append((self._began, end, Collection(0.0, self._generation, 0, self._at)))
        for first, last, run in runs:
            seconds = min(last, end) - max(first, began)
            if seconds >= SHORTEST:
                found.append(Collection(seconds, run.generation, run.collected, run.at))
        return tuple(found)


def _caller() -> RawFrame | None:
    try:
        frame = sys._getframe(2)
    except ValueError:
        return None  # a thread that ends, or native code with no Python under it
    return frame.f_code, frame.f_lasti
