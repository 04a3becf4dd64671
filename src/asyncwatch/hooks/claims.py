"""What asyncio's debug mode measures of a slow callback: whether the watcher will tell it, and with that length."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep  # now: a test of the program's may replace it later
from typing import Any

from asyncwatch.hooks.eye import PERIOD, Eye
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.pulse import Pulse, is_late

# How often the loop's thread waits for the watcher, and how long each time, in seconds.
MOST_WAITS, WAIT = 20, 0.001


class Claims:
    """Asked on the loop's thread, when asyncio says so."""

    def __init__(self, loops: Loops, eyes: dict[int, Eye], pulse: Pulse, now: Callable[[], float]) -> None:
        self._loops = loops
        self._eyes = eyes
        self._pulse = pulse
        self._now = now

    def claim(self, loop: Any, duration: float) -> bool:
        """asyncio itself measured a slow callback that just ended: is it one that will be reported from samples?

        If so, its length is taken over from there.
        """
        self._let_look(self._pulse.due)
        state = self._loops.state(loop)
        eye = self._eyes.get(state.number) if state is not None else None
        if eye is None or eye.hold is None or not eye.waiting:
            return False
        return eye.hold.claim(duration, self._now(), 2 * PERIOD)

    def _let_look(self, due: float) -> None:
        """The watcher, which could not look while native code had the GIL, does so now: it knows more than we."""
        for _ in range(MOST_WAITS if is_late(due, self._now()) else 0):
            if self._pulse.due != due:
                return
            sleep(WAIT)
