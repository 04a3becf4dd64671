"""The garbage collector's runs: when, how long, and where the program stood.

https://docs.python.org/3/library/gc.html#gc.callbacks
"""

from __future__ import annotations

import gc
import sys
import threading
from collections import deque
from types import CodeType
from typing import Any

from asyncwatch.events import Collection
from asyncwatch.hooks.bus import Bus

# Runs shorter than this are no part of anybody's stall; long runs kept for the looks to come.
SHORTEST = 0.002
KEPT = 64
FIELDS = 6


class Collector:
    """Hears of each run; `collecting` while one goes on.

    What it keeps of a run are six numbers in a row, not an object of ours for the collector to count.
    """

    def __init__(self, bus: Bus) -> None:
        self._now = bus.now
        self.collecting = False
        self._thread = 0
        self._began = 0.0
        self._generation = 0
        self._runs: deque[Any] = deque(maxlen=KEPT * FIELDS)

    def install(self) -> None:
        gc.callbacks.append(self._on_gc)

    def uninstall(self) -> None:
        if self._on_gc in gc.callbacks:
            gc.callbacks.remove(self._on_gc)

    def _on_gc(self, phase: str, info: dict[str, int]) -> None:
        # Bound to one thread at a time: a run that begins while another goes on does nothing.
        if phase == "start":
            self.collecting, self._thread = True, threading.get_ident()
            self._generation = info["generation"]
            self._began = self._now()
            return
        self.collecting = False
        end = self._now()
        if end - self._began >= SHORTEST:
            code, lasti = _caller() if self._generation > 0 else (None, 0)
            self._runs.extend((self._began, end, self._generation, info["collected"], code, lasti))

    @property
    def collecting_here(self) -> bool:
        """Whether it runs in this thread: a finalizer may let others run meanwhile, and those are where they are."""
        return self.collecting and self._thread == threading.get_ident()

    def between(self, began: float, end: float) -> tuple[Collection, ...]:
        """The runs of any thread, for all of them hold the GIL, that fell into this time; one may still go on."""
        found = []
        runs = list(self._runs)
        if self.collecting:
            runs += (self._began, end, self._generation, 0, None, 0)
        for first, last, generation, collected, code, lasti in zip(*[iter(runs)] * FIELDS, strict=True):
            seconds = min(last, end) - max(first, began)
            if seconds >= SHORTEST:
                found.append(Collection(seconds, generation, collected, (code, lasti) if code else None))
        return tuple(found)


def _caller() -> tuple[CodeType | None, int]:
    """Where the collector was started; asked only about a long run, for it makes an object of the program's frame."""
    try:
        frame = sys._getframe(2)
    except ValueError:
        return None, 0  # a thread that ends, or native code with no Python under it
    return frame.f_code, frame.f_lasti
