"""Findings and measures as OpenTelemetry's data model has them, for the OTLP exporters.

Only plain data of the SDK's is made here: no provider, so none of the program's own is touched and no thread begins.
https://opentelemetry.io/docs/specs/otel/logs/data-model/
https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/
"""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Any

from asyncwatch.findings import Finding, to_dict
from asyncwatch.frames import plain
from asyncwatch.measures import BOUNDS, Measures

# https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
SEVERITIES = {"info": 9, "warning": 13, "error": 17}
LONGEST_VALUE = 4_096
SCOPE = "asyncwatch"
_SAMPLED_UNKNOWN = 0


def resource() -> Any:
    """Who sends: what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, and this process."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    own = {
        "service.name": "unknown_service:python",
        "host.name": platform.node(),
        "process.pid": os.getpid(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
    }
    return Resource(own).merge(OTELResourceDetector().detect())


def scope(version: str) -> Any:
    """What names the source of logs and metrics."""
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return InstrumentationScope(SCOPE, version)


def fields(finding: Finding, count: int, pid: int, now: float) -> dict[str, Any]:
    """A finding as the arguments of a log record, but for what needs the SDK's types."""
    line = to_dict(finding, count=count, pid=pid, now=now)
    context = line.get("context", {})
    return {
        "timestamp": int(now * 1e9),
        "severity_number": SEVERITIES[finding.level],
        "severity_text": finding.level,
        "event_name": f"asyncwatch.{finding.rule.name.replace('-', '_')}",
        "body": _plain(finding.event),
        "attributes": attributes(line),
        "trace_id": int(context.get("trace_id", "0"), 16) if _is_hex(context.get("trace_id"), 32) else 0,
        "span_id": int(context.get("span_id", "0"), 16) if _is_hex(context.get("span_id"), 16) else 0,
    }


def _is_hex(value: object, digits: int) -> bool:
    return type(value) is str and len(value) == digits and not set(value) - set("0123456789abcdef")


def attributes(line: dict[str, Any]) -> dict[str, Any]:
    """The keys of a JSON line under OpenTelemetry's names where it has some, else under `asyncwatch.`."""
    found: dict[str, Any] = {f"asyncwatch.{key}": line[key] for key in ("code", "rule", "fingerprint", "count")}
    if where := line.get("where"):
        found["code.file.path"] = where["file"]
        found["code.line.number"] = where["line"]
        found["code.function.name"] = where["function"]
    if stack := line.get("stack"):
        # As Python writes tracebacks: the innermost last.
        rows = (f'  File "{one["file"]}", line {one["line"]}, in {one["function"]}' for one in stack)
        found["code.stacktrace"] = "\n".join(rows)
    if "thread" in line:
        found["thread.name"] = line["thread"]
        found["asyncwatch.loop"] = line["loop"]
    found["process.pid"] = line["pid"]
    if task := line.get("task"):
        found["asyncwatch.task.name"], found["asyncwatch.task.coro"] = task["name"], task["coro"]
        if created := task.get("created"):
            found["asyncwatch.task.created"] = "{file}:{line} in {function}".format(**created[-1])
        if parent := task.get("parent"):
            found["asyncwatch.task.parent.name"] = parent["name"]
    found.update((f"asyncwatch.evidence.{key}", value) for key, value in line["evidence"].items())
    own = {key: value for key, value in line.get("context", {}).items() if key not in ("trace_id", "span_id")}
    found.update((f"asyncwatch.context.{key}", value) for key, value in own.items())
    texts = {key: _plain(value, lines=key == "code.stacktrace") for key, value in found.items() if value is not None}
    return {plain(key): value for key, value in texts.items()}


def _plain(value: Any, *, lines: bool = False) -> str | int | float | bool:
    if type(value) in (int, float, bool):
        return value  # type: ignore[no-any-return]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > LONGEST_VALUE:
        text = f"{text[: LONGEST_VALUE // 2]}…{text[-LONGEST_VALUE // 2 :]}"
    return "\n".join(map(plain, text.split("\n"))) if lines else plain(text)


def log_record(values: dict[str, Any], source: Any, scope: Any) -> Any:
    """The SDK's record of `fields`."""
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    trace_id, span_id = values.pop("trace_id"), values.pop("span_id")
    span = SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(_SAMPLED_UNKNOWN))
    record = LogRecord(
        **{**values, "severity_number": SeverityNumber(values["severity_number"])},
        observed_timestamp=values["timestamp"],
        context=set_span_in_context(NonRecordingSpan(span), Context()),
    )
    return ReadableLogRecord(record, source, scope)


def metrics(measures: Measures, began: int, now: int, source: Any, scope: Any) -> Any:
    """All metrics of this moment, each counted since `began`; both in nanoseconds since the epoch."""
    from opentelemetry.sdk.metrics import export as sdk

    def number(value: float, **labels: str) -> Any:
        return sdk.NumberDataPoint(labels, began, now, value)

    def total(name: str, unit: str, text: str, points: list[Any], *, grows: bool = True) -> Any:
        return sdk.Metric(name, text, unit, sdk.Sum(points, sdk.AggregationTemporality.CUMULATIVE, grows))

    lag = measures.lag
    waits = sdk.HistogramDataPoint(
        {}, began, now, sum(lag.counts), lag.total, list(lag.counts), list(BOUNDS), 0.0, lag.most
    )
    histogram = sdk.Histogram([waits], sdk.AggregationTemporality.CUMULATIVE)
    seen = [
        number(times, **{"asyncwatch.code": code, "asyncwatch.level": level})
        for (code, level), times in sorted(measures.findings.items())
    ]
    found = [
        sdk.Metric("asyncio.eventloop.delay", "How long callbacks wait for their turn.", "s", histogram),
        total("asyncio.task.count", "{task}", "Tasks that are pending.", [number(measures.live)], grows=False),
        total("asyncio.task.created", "{task}", "Tasks created.", [number(measures.created)]),
        total("asyncwatch.finding.count", "{finding}", "Findings, repeated ones too.", seen),
    ]
    kept = [one for one in found if one.data.data_points]
    return sdk.MetricsData([sdk.ResourceMetrics(source, [sdk.ScopeMetrics(scope, kept, "")], "")])
