"""From events to output: detectors judge, equal findings are counted instead of repeated, sinks say the rest.

Runs in the watcher's thread. A detector or sink that raises is switched off and reported once; the rest goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from asyncwatch.config import Config, ConfigError
from asyncwatch.detectors import ALWAYS, Detector
from asyncwatch.events import Event, PartFailed
from asyncwatch.findings import LEVELS, Finding, Rule

# Fingerprints that are told apart; more than these are counted by rule and the summary says so.
MOST_FINGERPRINTS = 10_000
# Findings kept for `Watch.findings`.
MOST_KEPT = 10_000


class Sink(Protocol):
    """Where findings go."""

    name: str
    level: int

    def write(self, finding: Finding, count: int) -> None: ...
    def close(self) -> None: ...


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
        self._detectors = list(detectors)
        self._sinks = list(sinks)
        self._failed = failed
        self._last_resort = last_resort
        self._known = load_baseline(config.baseline)
        self.reset()

    def reset(self) -> None:
        """Begin counting anew; a forked child keeps its own counts."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self.by_rule: Counter[str] = Counter()
        self.by_level: Counter[str] = Counter()
        self.known = 0
        self.uncounted = 0
        self.failures: set[str] = set()
        self.kept: list[Finding] = []

    def judge(self, event: Event) -> None:
        """Show one event to the detectors that listen for it."""
        for entry in list(self._detectors):
            rule, detector = entry
            if not isinstance(event, detector.listens):
                continue
            try:
                for finding in detector.observe(event):
                    self._accept(finding)
            except Exception as error:
                if entry in self._detectors:
                    self._detectors.remove(entry)
                    self._report(f"detectors.{rule.code}", error)

    def _accept(self, finding: Finding) -> None:
        code = finding.rule.code
        if code in {"AW000", "AW099"}:
            self._say(finding, 1)
            return
        fingerprint = finding.fingerprint
        if fingerprint in self._known:
            self.known += 1
            return
        finding.evidence.setdefault("profile", self._config.profile)
        self.by_rule[code] += 1
        self.by_level[finding.level] += 1
        if finding.level != "info" and self._config.fails_on(code):
            self.failures.add(code)
        # By level, too: that a line was once slow for want of a CPU must not hide that it is slow by itself.
        key = (fingerprint, finding.level)
        if key not in self._counts and len(self._counts) >= MOST_FINGERPRINTS:
            self.uncounted += 1
            return
        self._counts[key] += 1
        if is_milestone(self._counts[key]):
            if len(self.kept) < MOST_KEPT:
                self.kept.append(finding)
            self._say(finding, self._counts[key])

    def _say(self, finding: Finding, count: int) -> None:
        for sink in list(self._sinks):
            if LEVELS[finding.level] < sink.level and finding.rule.code not in ALWAYS:
                continue
            try:
                sink.write(finding, count)
            except Exception as error:
                if sink in self._sinks:
                    self._sinks.remove(sink)
                    if not self._sinks and sink.name != "stderr" and self._last_resort is not None:
                        self._sinks.append(self._last_resort())
                    self._report(f"sinks.{sink.name}", error)

    def _report(self, part: str, error: Exception) -> None:
        self.judge(self._failed(part, error))

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
        if self.known:
            found["in_baseline"] = self.known
        if self.uncounted:
            found["fingerprints_not_told_apart"] = self.uncounted
        return found


def is_milestone(count: int) -> bool:
    """The first of its kind is said at full length, then the tenth, the hundredth, the thousandth …"""
    while count % 10 == 0:
        count //= 10
    return count == 1


def load_baseline(path: str | None) -> frozenset[str]:
    """The fingerprints in a file of JSON lines from an earlier run.

    Raises:
        ConfigError: when the file cannot be read.
    """
    if path is None:
        return frozenset()
    try:
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.startswith("{")]
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the baseline {path}: {error}; write one with --output {path}") from None
    return frozenset(str(line["fingerprint"]) for line in lines if isinstance(line, dict) and "fingerprint" in line)
