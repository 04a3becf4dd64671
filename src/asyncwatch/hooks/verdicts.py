"""From what was seen while a loop was silent to the events that detectors judge."""

from __future__ import annotations

from asyncwatch.events import Account, LoopHung, StepHeld, TurnsLong
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.eye import Eye
from asyncwatch.hooks.hold import Hold, Segment
from asyncwatch.hooks.quota import Quota
from asyncwatch.hooks.vitals import vitals

# The watcher not having looked for more looks than this before the end is a time it has not seen.
TAIL = 3
# Looks that found nothing but the loop's own frame, before that is taken for native code as a callback.
ENOUGH = 3


class Verdicts:
    """Emits what a hold amounts to; counts the pauses that nothing explains."""

    def __init__(self, bus: Bus, collector: Collector, quota: Quota, hang_after: float) -> None:
        self._bus = bus
        self._collector = collector
        self._quota = quota
        self._hang_after = hang_after
        self.pauses = 0
        self.longest_pause = 0.0

    def throttled(self) -> float | None:
        """Seconds this process was throttled so far; None without a quota."""
        return self._quota.throttled()

    def while_it_lasts(self, eye: Eye, now: float) -> None:
        """A loop that is still held: hung, if for long enough and by one callback."""
        segment = eye.hold.current if eye.hold is not None else None
        if segment is None or segment.hung:
            return
        seconds = now - segment.began - segment.slack - segment.unseen
        if seconds >= self._hang_after:
            self._hung(eye, segment, seconds, now, ended=False)

    def _hung(self, eye: Eye, segment: Segment, seconds: float, now: float, *, ended: bool) -> None:
        """Say it as soon as what the machine took away is no part of these seconds."""
        account = self._account(eye, segment, segment.began, now)
        least = max(account.waited or 0.0, account.throttled or 0.0)
        taken = max(least + account.contended, account.stood_still)
        # What began before the first look at its thread counts from there on, as it does for the detector: an event
        # that comes too early is lost, for it is said once.
        seen = min(seconds, account.span or seconds)
        if seen - taken - sum(run.seconds for run in account.collections) < self._hang_after:
            return
        segment.hung = True
        duration = now - segment.began
        samples, holder = segment.samples(duration)
        loop, after = eye.state.facts, self._hang_after
        self._bus.emit(LoopHung(loop, duration, after, samples, segment.task, account, ended, holder))

    def of(self, eye: Eye, end: float) -> None:
        """The loop lives since `end`: what its hold was. The hold is over."""
        hold, eye.hold = eye.hold, None
        silent = end - eye.asked_at if eye.waiting else 0.0
        if hold is None:
            self.unexplained(silent, eye.threshold)
            return
        hold.close(end, TAIL * eye.period)
        # A machine that stood still meanwhile leaves a segment of which nothing was seen.
        if not any(segment.seen for segment in hold.segments) and (eye.waiting or not hold.segments):
            self._nowhere(eye, hold, silent, end)
            return
        for segment, duration, slack in hold.lengths(end):
            self._finish(eye, segment, duration, slack)
        if eye.waiting:
            self._turns(eye, hold, silent, end)

    def _finish(self, eye: Eye, segment: Segment, duration: float, slack: float) -> None:
        if segment.exact is not None:
            duration, slack = segment.exact, 0.0
        if duration < eye.threshold or segment.told:
            return
        seen = duration if segment.exact is not None else duration - segment.unseen
        if seen < eye.threshold or not segment.explained(duration):
            self.unexplained(duration, eye.threshold)
            return
        end = segment.began + duration
        account = self._account(eye, segment, segment.began, end)
        # What began before the first look at this thread is known only from there on.
        if account.span < max(eye.threshold, duration / 2):
            self.unexplained(duration, eye.threshold)
            return
        if duration - segment.unseen - slack >= self._hang_after and not segment.hung:
            self._hung(eye, segment, duration - segment.unseen - slack, end, ended=True)
        self._held(eye, segment, duration, slack, account)

    def _held(self, eye: Eye, segment: Segment, duration: float, slack: float, account: Account) -> None:
        samples, holder = segment.samples(duration)
        self._bus.emit(
            StepHeld(
                eye.state.facts,
                duration,
                eye.threshold,
                samples,
                None if holder is not None else segment.task,
                account,
                exact=segment.exact is not None,
                uncertainty=slack,
                holder=holder,
                hung=segment.hung,
            )
        )

    def _nowhere(self, eye: Eye, hold: Hold, duration: float, end: float) -> None:
        """No frame of a callback was ever seen: native code that the loop calls itself, or nothing known."""
        if hold.told:
            return
        if hold.nowhere < ENOUGH or duration < eye.threshold:
            self.unexplained(duration, eye.threshold)
            return
        account = self._account(eye, None, eye.asked_at, end, hold)
        # It looked idle, so nobody knows since when.
        slack = eye.asked_at - eye.answered_at
        samples = (((), hold.nowhere),)
        self._bus.emit(StepHeld(eye.state.facts, duration, eye.threshold, samples, None, account, uncertainty=slack))

    def _turns(self, eye: Eye, hold: Hold, lag: float, end: float) -> None:
        """Many callbacks, none of them slow."""
        if lag < eye.threshold or hold.callbacks < 2:
            return
        account = self._account(eye, None, eye.asked_at, end, hold)
        # A short callback that was kept waiting for a CPU is not the slow one that AW101 tells of.
        longest = max(0.0, hold.longest - max(account.waited or 0.0, account.stopped))
        samples = tuple(hold.stacks.most_common())
        self._bus.emit(TurnsLong(eye.state.facts, lag, eye.threshold, samples, hold.callbacks, longest, account))

    def _account(
        self, eye: Eye, segment: Segment | None, began: float, end: float, hold: Hold | None = None
    ) -> Account:
        # A loop that is over was not looked at again.
        if eye.record.until < end:
            eye.record.add(end, vitals(eye.state.native), self.throttled(), eye.record.others)
        spent = eye.record.between(began, end)
        parts = hold.segments if hold is not None else [segment] if segment is not None else []
        return Account(
            spent.ran,
            spent.waited,
            spent.throttled,
            stopped=sum(part.stopped for part in parts),
            both=sum(part.both for part in parts),
            gil=sum(part.gil + part.held_off for part in parts),
            collections=self._collector.between(began, end),
            span=spent.span,
            contended=0.0 if segment is not None and segment.holder is not None else spent.contended,
        )

    def unexplained(self, duration: float, threshold: float) -> None:
        """A time in which the loop stood still for all that is known, and nothing tells why."""
        if duration >= threshold:
            self.pauses += 1
            self.longest_pause = max(self.longest_pause, duration)
