"""Keys that log agents look for under names of their own, beside those that every line has; none of these is changed.

Loki and CloudWatch find level, time and ids by the lines' own names. Google's agents read the level of `severity` and
the text of `message`; Datadog reads the text of `message` and the trace of a `trace_id` at the top.
https://cloud.google.com/logging/docs/structured-logging#special-payload-fields
https://docs.datadoghq.com/logs/log_configuration/pipelines/ (preprocessing for JSON logs)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

# https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity
_SEVERITIES = {"info": "INFO", "warning": "WARNING", "error": "ERROR"}
_GOOGLE = "logging.googleapis.com"


def google(line: dict[str, Any]) -> dict[str, Any]:
    """For Cloud Logging; a trace is found where GOOGLE_CLOUD_PROJECT names its project."""
    found = {"severity": _SEVERITIES[line["level"]], "message": line["event"], "time": line["timestamp"]}
    if where := line.get("where"):
        # Whole numbers of 64 bits are texts in Google's JSON.
        found[f"{_GOOGLE}/sourceLocation"] = {**where, "line": str(where["line"])}
    trace, span = _ids(line)
    if trace:
        project = os.environ.get("GOOGLE_CLOUD_PROJECT")
        found[f"{_GOOGLE}/trace"] = f"projects/{project}/traces/{trace}" if project else trace
        found[f"{_GOOGLE}/spanId"] = span
    return found


def datadog(line: dict[str, Any]) -> dict[str, Any]:
    """For Datadog, whose defaults take `timestamp` and `level` as they are."""
    found = {"message": line["event"], "logger.name": "asyncwatch"}
    trace, span = _ids(line)
    return {**found, "trace_id": trace, "span_id": span} if trace else found


def _ids(line: dict[str, Any]) -> tuple[str, str]:
    context = line.get("context", {})
    trace, span = context.get("trace_id"), context.get("span_id")
    return (trace, span) if isinstance(trace, str) and isinstance(span, str) else ("", "")


ADDED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"gcp": google, "datadog": datadog}
