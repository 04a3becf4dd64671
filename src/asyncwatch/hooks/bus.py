"""The way from the loop's thread to the watcher: one bounded buffer, and the switch that turns a broken hook off."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

from asyncwatch.events import Event, LimitReached, PartFailed, Repeated
from asyncwatch.frames import RawFrame
from asyncwatch.hooks.twins import Room

# Enough for a second of the worst flood seen; what does not fit is counted and said.
CAPACITY = 10_000
FULL = f"{CAPACITY:,} events wait to be judged, what comes now is dropped and counted in the summary"
# Tasks recorded at once, and for each second after that: a burst is recorded whole, and of a storm that goes on as many
# as cost the program three hundredths of its time.
ROOM = 5_000
RATE = 20_000
# Of what happens again and again at one place, so many between two looks are told in full; the rest is counted.
ENOUGH = 20
# A count is told so many looks later: a thread without a CPU may be in the middle of counting for as long.
LOOKS = 4
# Looks may follow each other at once; those closer than this count as one, in seconds.
BETWEEN = 0.01
# Places that are told apart meanwhile.
MOST_PLACES = 1_000


class Bus(Room):
    """Carries events. `enabled` are the codes that will be judged, so that nothing else is taken over."""

    def __init__(self, enabled: frozenset[str]) -> None:
        self.enabled = enabled
        self.queue: deque[Event] = deque()
        self.dropped = 0
        self.open = True
        self.broken: dict[str, str] = {}
        # How many more tasks may be recorded before the watcher looks again; a storm must not cost without bound.
        self.room = ROOM
        self._room_left: float = ROOM  # when it last looked
        # What the watcher has added while it dozed; when the loop last answered; whether there is something to look at
        # or to ask for soon.
        self.extra = self.answered_at = 0.0
        self.wants = self.busy = 0
        self._recorded = 0
        # Tasks that came too fast to be recorded; when the last did.
        self.skipped, self.skipped_at = 0, float("-inf")
        # Bound here, so that a test which replaces time.monotonic() does not move the watcher's clock.
        self.now = time.monotonic
        # By place: an event, and how many of its kind were not told. Some looks' worth: who counts may be late.
        self._repeats: list[dict[object, list[Any]]] = [{} for _ in range(LOOKS)]
        self._told_at = 0.0
        # The time of the watcher's last look, read by the loop's threads: an age costs them no call.
        self.clock = self.now()

    def begin_anew(self) -> None:
        """A forked child counts for itself."""
        self.queue.clear()
        self.dropped = self.skipped = self._recorded = 0
        self._room_left = self.room

    def look(self) -> float:
        """The watcher looks: it is as late as this, and there is room again."""
        before, self.clock = self.clock, self.now()
        self._recorded += int(self._room_left - self.room)
        left, self.extra = max(self.room + self.extra, 0), 0.0
        self._room_left = self.room = min(ROOM, left + RATE * (self.clock - before))
        if self.clock - self._told_at >= BETWEEN:
            self._told_at = self.clock
            self.tell_repeats()
        return self.clock

    @property
    def is_still(self) -> bool:
        """Whether nothing waits to be judged or told."""
        return not self.queue and not any(self._repeats)

    @property
    def recorded(self) -> int:
        """How many tasks were recorded so far: each took one of the room there was."""
        return self._recorded + max(0, int(self._room_left - self.room))

    def tell_all_repeats(self) -> None:
        """At the end: nobody counts any more."""
        for _ in range(LOOKS):
            self.tell_repeats()

    def tell_repeats(self) -> None:
        """What was only counted, as one event for each place; whatever is counted from now on comes with the next."""
        self._repeats.insert(0, {})
        for event, seen in list(self._repeats.pop().values()):
            if seen > ENOUGH:
                self.queue.append(Repeated(event.loop, event, seen - ENOUGH))

    def again(self, place: object) -> bool:
        """Whether so much was told of this place since the last look that one more was only counted."""
        entry = self._repeats[0].get(place)
        if entry is None or not self.open:
            return False
        entry[1] += 1
        return bool(entry[1] > ENOUGH)

    def emit_at(self, place: object, event: Event) -> bool:
        """`emit`, for what `again` is asked about."""
        taken = self.emit(event)
        if taken:
            self.note(place, event)
        return taken

    def note(self, place: object, event: Event) -> None:
        """This is what `again` counts from now on."""
        places = self._repeats[0]
        if place not in places and len(places) < MOST_PLACES:
            places[place] = [event, 1]
            self.wants = 1

    def replace(self, better: dict[int, tuple[Event, Event]]) -> None:
        """More is known now of what was noted: by the event's id, itself and what takes its place.

        Called by the thread that judges, which alone takes events from the queue.
        """
        for places in self._repeats:
            for entry in list(places.values()):
                if id(entry[0]) in better:
                    entry[0] = better[id(entry[0])][1]
        for number, event in enumerate(list(self.queue)):
            if isinstance(event, Repeated) and id(event.event) in better:
                self.queue[number] = Repeated(event.loop, better[id(event.event)][1], event.times)

    def emit(self, event: Event) -> bool:
        """Hand an event over; False when it was not taken and the host's own report must stand."""
        if not self.open:
            return False
        if len(self.queue) >= CAPACITY:
            self.dropped += 1
            if self.dropped == 1:  # the one that is let in above the limit says so
                self.queue.append(LimitReached(None, "buffer", FULL))
            return False
        self.queue.append(event)
        self.wants = 1
        return True

    def works(self, part: str) -> bool:
        return self.open and part not in self.broken

    def guarded(self, part: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of a part that works; None where it does not, or no longer does."""
        if not self.works(part):
            return None
        try:
            return function(*args)
        except Exception as error:
            self.fail(part, error)
            return None

    def fail(self, part: str, error: BaseException) -> None:
        """A part of ours raised: it is switched off for good, and that is said once."""
        if part in self.broken:
            return
        self.broken[part] = text = describe(error)
        self.emit(PartFailed(None, part, text, traceback_frames(error.__traceback__)))


def describe(error: BaseException, limit: int = 300) -> str:
    """An exception in one line: its type and the start of its text; a text that cannot be made is left out."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    name = name[:200]
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
