"""Findings for people: a few lines each, the source line shown, colour only on a terminal."""

from __future__ import annotations

from typing import Any

from asyncwatch.detectors import RULES
from asyncwatch.findings import Finding
from asyncwatch.frames import Frame, Scope, plain, resolve_all, source_line
from asyncwatch.paths import editor_path

_STYLES = {"error": "1;31", "warning": "1;33", "info": "36", "where": "1", "dim": "2"}
# Library frames below the application's line that are worth a row; more make no one wiser.
MOST_FRAMES = 6
LONGEST_SOURCE = 200
LONGEST_LINE = 4_000
# A watcher that was late by less is an ordinary busy machine.
WORTH_SAYING = 0.25
_UNSEEN = "native code held the GIL, or there was no CPU"
_STOPPED = "the machine gave it no CPU"


class Console:
    """Renders one finding as text."""

    def __init__(self, scope: Scope, *, colour: bool, source: bool = True) -> None:
        self._scope = scope
        self._colour = colour
        self._source = source

    def render(self, finding: Finding, count: int, timestamp: str) -> str:
        if finding.rule.code == "AW099":
            return self._summary(finding.evidence)
        if finding.rule.code == "AW000":
            return "\n".join(f"asyncwatch: {plain(text)}" for text in finding.evidence.get("expired_ignores", ()))
        times = f"  (seen {count} times)" if count > 1 else ""
        head = f"{self._paint(finding.level, f'{finding.rule.code} {finding.rule.name}')} {plain(finding.event)}{times}"
        lines = [head, *self._where(finding), *self._task(finding), *self._stack(finding)]
        raised = finding.evidence.get("raised_at")
        if isinstance(raised, dict):
            lines.append(f"  raised at {at(Frame(**raised))}")
        return "\n".join(line[:LONGEST_LINE] for line in lines)

    def _paint(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._colour else text

    def _where(self, finding: Finding) -> list[str]:
        frame = finding.where
        if frame is None:
            return []
        lines = [f"  {self._paint('where', at(frame))}"]
        source = source_line(frame.file, frame.line).strip() if self._source else ""
        if source:
            lines.append(f"    {self._paint('dim', f'{frame.line:>4} |')} {plain(source[:LONGEST_SOURCE])}")
        if "ignore_comment" in finding.evidence:
            lines.append(f"    {plain(finding.evidence['ignore_comment'])}")
        return lines

    def _task(self, finding: Finding) -> list[str]:
        task = finding.task
        if task is None:
            return []
        text = f"  task {plain(task.name)!r} runs {plain(task.coro)}"
        app = next((frame for frame in resolve_all(task.created) if self._scope.is_app(frame.file)), None)
        if app is not None and app != finding.where:
            text += f", created at {at(app)}"
        if task.parent is not None:
            text += f", by task {plain(task.parent.name)!r} ({plain(task.parent.coro)})"
        if not task.context:
            return [text]
        return [text, "  context " + " ".join(f"{plain(key)}={plain(str(value))}" for key, value in task.context)]

    def _stack(self, finding: Finding) -> list[str]:
        """What lies under the application's line: the library's way to the place where it really stands."""
        if finding.where is None or finding.where not in finding.stack:
            return []
        below = finding.stack[len(finding.stack) - finding.stack[::-1].index(finding.where) :]
        rows = [f"    {self._paint('dim', 'in')} {at(frame)}" for frame in below[-MOST_FRAMES:]]
        return rows

    def _summary(self, evidence: dict[str, Any]) -> str:
        findings: dict[str, int] = evidence.get("findings", {})
        head = f"asyncwatch: {evidence.get('seconds', 0):.1f} s watched, {_number(evidence.get('loops', 0), 'loop')}"
        if not findings:
            head += ", nothing found"
        lines = [self._paint("where", head)]
        rules = {rule.code: rule for rule in RULES}
        for code, number in findings.items():
            lines.append(f"  {number:>6} x {code} {rules[code].name}: {rules[code].many}")
        info = evidence.get("levels", {}).get("info", 0)
        if info:
            lines.append(f"  {info} of these are level info; --level info shows them")
        lines.extend(f"  {text}" for text in (*_measures(evidence), *_shortcomings(evidence)))
        return "\n".join(lines)


def _measures(evidence: dict[str, Any]) -> list[str]:
    """How long callbacks waited for their turn, and what the watching took."""
    lag = evidence.get("loop_lag")
    if not lag:
        return []
    waits = ", ".join(f"{name} {lag[name] * 1000:.0f} ms" for name in ("p50", "p99", "max"))
    return [f"loop lag {waits}; watching took {evidence.get('watcher_cpu', 0) * 1000:.0f} ms of CPU"]


def _shortcomings(evidence: dict[str, Any]) -> list[str]:
    """What the run could not see, in sentences."""
    found = []
    if evidence.get("dropped_events"):
        found.append(f"{evidence['dropped_events']} events were dropped by a full buffer: the counts are lower bounds")
    if evidence.get("lines_lost"):
        lost = _number(evidence["lines_lost"], "line")
        found.append(f"{lost} could not be written: an output is full, broken or not read")
    if evidence.get("otlp", {}).get("lost"):
        lost = _number(evidence["otlp"]["lost"], "finding")
        found.append(f"{lost} did not reach the OpenTelemetry collector, or it did not say so")
    if evidence.get("unexplained_pauses"):
        number, longest = evidence["unexplained_pauses"], evidence["longest_unexplained_pause"]
        pauses = _number(number, "pause")
        found.append(f"{pauses} not explained, the longest {longest:.2f} s or more: {_UNSEEN}")
    if evidence.get("watcher_late", 0) >= WORTH_SAYING:
        found.append(f"the watcher itself could not look for {evidence['watcher_late']:.2f} s: {_STOPPED}")
    if evidence.get("tasks_not_recorded"):
        found.append(f"{evidence['tasks_not_recorded']} tasks came too fast to be recorded: nothing is known of them")
    if evidence.get("fingerprints_not_told_apart"):
        found.append(f"{evidence['fingerprints_not_told_apart']} of these are at places too many to tell apart")
    if evidence.get("ignored"):
        codes = ", ".join(f"{number} x {code}" for code, number in evidence["ignored"].items())
        found.append(f"{codes} more are ignored by entry or comment")
    if evidence.get("in_baseline"):
        found.append(f"{evidence['in_baseline']} more are in the baseline")
    return found


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def at(frame: Frame) -> str:
    """A place as editors take it."""
    return f"{plain(editor_path(frame.file))}:{frame.line} in {plain(frame.function)}"
