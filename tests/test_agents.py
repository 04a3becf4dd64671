"""What log agents take of our lines, by the rules that their documentation has; the agents themselves are not run."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import run_watched

TRACE, SPAN = f"{0xABC << 64:032x}", f"{7:016x}"
PROGRAM = """
import asyncio
from opentelemetry import trace
from structlog.contextvars import bind_contextvars

async def fail():
    raise ValueError("nobody asks")

async def main():
    bind_contextvars(request_id="r-1")
    with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(0xABC << 64, 7, False))):
        asyncio.create_task(fail())
        await asyncio.sleep(0.01)

asyncio.run(main())
"""


def lines(program: Any, tmp_path: Path, fields: str, **environ: str) -> tuple[dict[str, Any], list[str]]:
    """The finding of a run, and all lines as they were written."""
    run = run_watched(program(PROGRAM), folder=tmp_path, options=["--fields", fields], **environ)
    (found,) = (one for one in run.lines if one["code"] == "AW204")
    (path,) = tmp_path.glob("*.jsonl")
    written = path.read_text().splitlines()
    path.unlink()
    return found, written


def first(line: dict[str, Any], *names: str) -> Any:
    """Of these names the first that a line has; a dot leads into an object."""
    for name in names:
        value: Any = line
        for part in [name] if name in line else name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def flat(value: Any, joint: str, path: str = "") -> dict[str, Any]:
    """Objects and lists as one level of names, as queries see them."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        return {path: value}
    found: dict[str, Any] = {}
    for key, one in pairs:
        found.update(flat(one, joint, f"{path}{joint}{key}" if path else str(key)))
    return found


def rfc3339(text: str) -> datetime.datetime:
    found = datetime.datetime.fromisoformat(text)
    assert found.tzinfo is not None
    return found


def test_loki_finds_level_time_and_trace(program: Any, tmp_path: Path) -> None:
    """`| json` joins names by underscores, the level is found as `level`, the time is RFC 3339, a line is one line."""
    found, written = lines(program, tmp_path, "own")
    names = flat(found, "_")
    assert (names["level"], names["context_trace_id"], names["context_request_id"]) == ("error", TRACE, "r-1")
    rfc3339(names["timestamp"])
    assert all(json.loads(line) for line in written)


def test_cloudwatch_finds_level_time_and_trace(program: Any, tmp_path: Path) -> None:
    """Logs Insights joins names by dots, of up to 200 fields of a line, and takes a line up to 256 KB."""
    found, written = lines(program, tmp_path, "own")
    names = flat(found, ".")
    assert (names["level"], names["context.trace_id"]) == ("error", TRACE)
    assert list(names).index("context.trace_id") < 200
    assert max(map(len, written)) < 256 * 1024


def test_datadog_finds_level_time_text_and_trace(program: Any, tmp_path: Path) -> None:
    """The defaults of its preprocessing for JSON logs find each; what a line has without them is unchanged."""
    found, _ = lines(program, tmp_path, "datadog")
    assert first(found, "status", "severity", "level", "syslog.severity") == "error"
    assert first(found, "message", "msg", "log") == found["event"]
    assert first(found, "dd.trace_id", "contextMap.dd.trace_id", "named_tags.dd.trace_id", "trace_id") == TRACE
    assert first(found, "dd.span_id", "contextMap.dd.span_id", "named_tags.dd.span_id", "span_id") == SPAN
    rfc3339(first(found, "@timestamp", "timestamp", "_timestamp", "Timestamp", "eventTime", "date"))


@pytest.mark.parametrize(("project", "prefix"), [({"GOOGLE_CLOUD_PROJECT": "shop"}, "projects/shop/traces/"), ({}, "")])
def test_google_finds_severity_time_text_place_and_trace(
    program: Any, tmp_path: Path, project: dict[str, str], prefix: str
) -> None:
    """The special fields of a structured payload become those of the log entry."""
    found, _ = lines(program, tmp_path, "gcp", **project)
    assert found["severity"] == "ERROR"
    assert found["message"] == found["event"]
    assert rfc3339(found["time"]) == rfc3339(found["timestamp"])
    assert found["logging.googleapis.com/trace"] == prefix + TRACE
    assert found["logging.googleapis.com/spanId"] == SPAN
    assert found["logging.googleapis.com/sourceLocation"] == {**found["where"], "line": str(found["where"]["line"])}


@pytest.mark.parametrize("fields", ["gcp", "datadog"])
def test_nothing_of_a_lines_own_is_changed(program: Any, tmp_path: Path, fields: str) -> None:
    """The keys of a line and their order are those it has without, others stand between."""
    own, more = (lines(program, tmp_path, one)[0] for one in ("own", fields))
    assert [key for key in more if key in own] == list(own)
    assert {key: more[key] for key in ("level", "code", "event", "where", "context")} == {
        key: own[key] for key in ("level", "code", "event", "where", "context")
    }
