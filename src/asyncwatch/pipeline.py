"""From events to output: detectors judge, equal findings are counted instead of repeated, sinks say the rest.

Runs in the watcher's thread. A detector or sink that raises is switched off and reported once; the rest goes on.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol, runtime_checkable

from asyncwatch import baselines
from asyncwatch.config import Config
from asyncwatch.detectors import ALWAYS, Detector
from asyncwatch.events import Event, LimitReached, PartFailed, Repeated
from asyncwatch.findings import LEVELS, Finding, Rule
from asyncwatch.suppress import Ignores

# Places that are told apart; more than these are counted by rule, which is said when it begins and in the summary.
MOST_FINGERPRINTS = 10_000
# Findings kept for `Watch.findings`, each with its stack of up to 128 frames.
MOST_KEPT = 1_000
# Places whose count the summary has, those seen most.
MOST_COUNTS = 100


class Sink(Protocol):
    """Where findings go."""

    name: str
    level: int

    def write(self, finding: Finding, count: int) -> None: ...
    def close(self) -> None: ...


@runtime_checkable
class Sender(Sink, Protocol):
    """A sink whose findings are on their way for a while, in a thread of its own."""

    def settle(self) -> None: ...
    def totals(self) -> dict[str, Any]: ...
    def before_fork(self) -> None: ...
    def after_fork(self, *, child: bool) -> None: ...


class Pipeline:
    """Everything between the bus and the outside."""

    def __init__(
        self,
        config: Config,
        detectors: Iterable[tuple[Rule, Detector]],
        sinks: Iterable[Sink],
        failed: Callable[[str, Exception], PartFailed],
        last_resort: Callable[[], Sink] | None = None,
    ) -> None:
        self._config = config
        self._sinks = list(sinks)
        self._senders = [sink for sink in self._sinks if isinstance(sink, Sender)]
        self._broken: list[Sink] = []
        self._failed = failed
        self._last_resort = last_resort
        self._ignores = Ignores(config.ignores)
        self._fingerprints = baselines.load(config.baseline)
        self.reset(detectors)

    def reset(self, detectors: Iterable[tuple[Rule, Detector]]) -> None:
        """Begin anew, with detectors that have seen nothing; a forked child keeps its own counts."""
        self._detectors = list(detectors)
        self._baseline = baselines.Baseline(self._fingerprints)
        self._counts: Counter[tuple[str, str]] = Counter()
        self.by_rule: Counter[str] = Counter()
        self.by_level: Counter[str] = Counter()
        self.by_both: Counter[tuple[str, str]] = Counter()
        self.ignored: Counter[str] = Counter()
        self.known = 0
        self.uncounted = 0
        self.lost = 0
        self.failures: set[str] = set()
        self.kept: list[Finding] = []

    def judge(self, event: Event, times: int = 1) -> None:
        """Show one event to the detectors that listen for it; what they find counts so many times."""
        if isinstance(event, Repeated):
            times, event = event.times, event.event
        for entry in list(self._detectors):
            rule, detector = entry
            if not isinstance(event, detector.listens):
                continue
            try:
                for finding in detector.observe(event):
                    self._accept(finding, times)
            except Exception as error:
                if entry in self._detectors:
                    self._detectors.remove(entry)
                    self._report(f"detectors.{rule.code}", error)

    def _accept(self, finding: Finding, times: int) -> None:
        code = finding.rule.code
        if code in ALWAYS:
            if code == "AW000" and self._ignores.expired:
                finding.evidence["expired_ignores"] = list(self._ignores.expired)
            return self._say(finding, 1) if code != "AW001" else self._count(finding, times)
        ignored, wrong = self._ignores.look(finding)
        if ignored:
            self.ignored[code] += times
            return None
        if wrong:
            finding.evidence["ignore_comment"] = wrong
        new = self._baseline.new(finding)
        if finding not in new:
            self.known += times
        for one in new:
            if one is not finding:
                self.known -= 1  # it was taken for known until now
            self._count(one, times if one is finding else 1)
        return None

    def _count(self, finding: Finding, times: int) -> None:
        code = finding.rule.code
        finding.evidence.setdefault("profile", self._config.profile)
        self.by_rule[code] += times
        self.by_level[finding.level] += times
        self.by_both[code, finding.level] += times
        if finding.level != "info" and self._config.fails_on(code):
            self.failures.add(code)
        # By level, too: that a line was once slow for want of a CPU must not hide that it is slow by itself.
        key = (finding.fingerprint, finding.level)
        if key not in self._counts and len(self._counts) >= MOST_FINGERPRINTS and code not in ALWAYS:
            if not self.uncounted:
                text = f"findings at more than {MOST_FINGERPRINTS:,} places; those at others are only counted by rule"
                self.judge(LimitReached(None, "pipeline", text))
            self.uncounted += times
            return
        self._counts[key] += times
        if passes_milestone(self._counts[key], times):
            if len(self.kept) < MOST_KEPT:
                self.kept.append(finding)
            self._say(finding, self._counts[key])

    def _say(self, finding: Finding, count: int) -> None:
        self.lost += sum(LEVELS[finding.level] >= sink.level for sink in self._broken)
        for sink in list(self._sinks):
            if LEVELS[finding.level] < sink.level and finding.rule.code not in ALWAYS:
                continue
            try:
                sink.write(finding, count)
            except BlockingIOError:
                self.lost += 1
            except Exception as error:
                self.lost += 1
                if sink in self._sinks:
                    self._sinks.remove(sink)
                    self._broken.append(sink)
                    if not self._sinks and sink.name != "stderr" and self._last_resort is not None:
                        self._sinks.append(self._last_resort())
                    self._report(f"sinks.{sink.name}", error)

    def _report(self, part: str, error: Exception) -> None:
        self.judge(self._failed(part, error))

    def settle(self) -> None:
        """The program ends: what is on its way is sent, so that the summary can say what was lost."""
        for sender in self._senders:
            sender.settle()

    def before_fork(self) -> None:
        """No thread of an output's is there while the process forks."""
        for sender in self._senders:
            sender.before_fork()

    def after_fork(self, *, child: bool) -> None:
        """They are there again; in the child they begin anew."""
        for sender in self._senders:
            sender.after_fork(child=child)

    def close(self) -> None:
        """Close every output; what fails now has nobody left to hear of it."""
        while self._sinks:
            try:
                self._sinks.pop().close()
            except Exception:
                pass

    def totals(self) -> dict[str, Any]:
        """The counts for the summary."""
        found: dict[str, Any] = {"findings": dict(sorted(self.by_rule.items())), "levels": dict(self.by_level)}
        if self.ignored:
            found["ignored"] = dict(sorted(self.ignored.items()))
        if self.known:
            found["in_baseline"] = self.known
        if self.lost:
            found["lines_lost"] = self.lost
        if self.uncounted:
            found["fingerprints_not_told_apart"] = self.uncounted
        for sender in self._senders:
            found.update(sender.totals())
        if counts := self._unsaid_counts():
            found["counts"] = counts
        return found

    def _unsaid_counts(self) -> list[dict[str, Any]]:
        """How often each place was seen, where its last line does not say so already."""
        unsaid = (item for item in self._counts.items() if not passes_milestone(item[1]))
        most = heapq.nlargest(MOST_COUNTS, unsaid, key=lambda item: item[1])
        return [{"fingerprint": place, "level": level, "count": count} for (place, level), count in most]


def passes_milestone(count: int, times: int = 1) -> bool:
    """The first of its kind is said at full length, then the tenth, the hundredth, the thousandth …

    Whether one of these is among the last `times` that were counted.
    """
    return int(10 ** (len(str(count)) - 1)) > count - times
