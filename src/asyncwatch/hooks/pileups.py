"""Tasks that pile up: how many live from each creation site, counted now and then, some at a time."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.sites import Site
from asyncwatch.hooks.tables import chunks_of
from asyncwatch.hooks.tasks import Ledger, Record
from asyncwatch.hooks.vitals import vitals
from asyncwatch.task_events import TasksPileUp

# Growth must have been seen for so long, in seconds, and in so many countings: a burst grows in one or two.
LONG = 1.0
STEPS = 3
# A thread that did nothing but work meanwhile may be in the middle of a burst: of such growth one is sure later.
LONG_AT_WORK = 3.0
AT_WORK = 0.8
INTERVAL = 0.25


class _Growth:
    """One site above the limit."""

    def __init__(self, count: int, now: float) -> None:
        self.first = self.count = count
        self.since = now
        self.steps = self.rested = 0
        self.told = False


class Pileups:
    """Counts, and compares with what it counted before."""

    def __init__(self, ledger: Ledger, state: LoopState, bus: Bus, pileup: int) -> None:
        self._ledger = ledger
        self._state = state
        self._bus = bus
        self._pileup = pileup
        self._growing: dict[Site, _Growth] = {}
        self._counts: Counter[Site] = Counter()
        self._todo: list[tuple[Record | None, ...]] = []
        self._looked: tuple[float, float] | None = None
        self._started = -INTERVAL

    @property
    def busy(self) -> bool:
        """Whether a counting is under way."""
        return bool(self._todo)

    def step(self, loop: Any, now: float) -> None:
        """One slice; on the loop's thread."""
        if not self._todo:
            if len(self._ledger.records) <= self._pileup or now - self._started < INTERVAL:
                return
            self._started = now
            self._todo = chunks_of(self._ledger.records.values())
        for record in self._todo.pop():
            site = record.site if record is not None else None
            task = record() if record is not None and site is not None and site.frames else None
            if site is not None and task is not None and not task.done() and task.get_loop() is loop:
                self._counts[site] += 1
        if not self._todo:
            self._compare(now)

    def _compare(self, now: float) -> None:
        counts, self._counts = self._counts, Counter()
        at_work = self._is_at_work(now)
        for site in [site for site in self._growing if counts[site] <= self._pileup]:
            del self._growing[site]
        for site, count in counts.items():
            if count > self._pileup and "AW208" in self._bus.enabled:
                self._grows(site, count, now, at_work=at_work)

    def _is_at_work(self, now: float) -> bool:
        """Whether the loop's thread has run, or wanted to, nearly all the time since the last counting."""
        seen = vitals(self._state.native)
        before, self._looked = self._looked, (now, seen.ran + seen.waited) if seen is not None else None
        if before is None or self._looked is None or now <= before[0]:
            return True
        return self._looked[1] - before[1] >= AT_WORK * (now - before[0])

    def _grows(self, site: Site, count: int, now: float, *, at_work: bool) -> None:
        growth = self._growing.get(site)
        if growth is None or count < growth.count:
            told = growth is not None and growth.told
            growth = self._growing[site] = _Growth(count, now)
            growth.told = told
            return
        if count == growth.count:
            return
        growth.steps += 1
        growth.rested += not at_work
        growth.count = count
        over = now - growth.since
        sure = over >= LONG and growth.rested >= STEPS
        if not growth.told and (sure or (over >= LONG_AT_WORK and growth.steps >= STEPS)):
            growth.told = self._tell(site, growth, now)

    def _tell(self, site: Site, growth: _Growth, now: float) -> bool:
        """Say it, unless the tasks from when it began have ended since: they come and go."""
        records = list(self._ledger.records.values())  # the oldest first; no more lists of so many than this one
        task = next((task for record in reversed(records) if record.site is site and (task := record())), None)
        number = sum(record.site is site for record in records)
        if task is None or not number:
            return True
        mine = (record.born for record in records if record.site is site)
        oldest, middle = next(mine), number // 2
        if oldest > growth.since:
            return False
        median = next(itertools.islice(mine, middle - 1, None), oldest) if middle else oldest
        youngest = next(record.born for record in reversed(records) if record.site is site)
        youngest, median, oldest = (max(0.0, now - at) for at in (youngest, median, oldest))
        self._bus.emit(
            TasksPileUp(
                self._state.facts,
                self._ledger.facts(task),
                growth.count,
                growth.first,
                now - growth.since,
                self._pileup,
                (youngest, median, oldest),
            )
        )
        return True
