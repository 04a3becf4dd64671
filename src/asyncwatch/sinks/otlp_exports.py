"""OpenTelemetry's own OTLP exporters over HTTP, made to be no trouble in a program that uses the same libraries.

They read OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _COMPRESSION and their kin as everywhere. What they log in our
thread is dropped; what they log in the program's is its own. A request of ours is no span of the program's.
"""

from __future__ import annotations

import inspect
import logging
import os
import time
from collections.abc import Sequence
from typing import Any

from asyncwatch.sinks import otlp_wire

# Seconds a collector has for an answer, where OTEL_EXPORTER_OTLP_TIMEOUT does not say otherwise.
PATIENCE = 5.0
# Shorter than the exporters' shortest wait before they try again: when and how often that is done is ours to say.
_ONCE = 0.5
# Where they say that something did not work.
_TALKERS = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.http._common",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.http.transport._requests",
    "urllib3.connectionpool",
    "urllib3.util.retry",
)


class _Quiet(logging.Filter):
    """Drops what is logged by one thread."""

    thread: int | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self.thread


class Exports:
    """Both exporters; `logs` and `metrics` send and answer whether that was taken. Used by one thread."""

    def __init__(self, address: str, version: str) -> None:
        """Import what is needed; nothing is sent."""
        import requests
        from opentelemetry import context
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        self._session = _session(requests.Session, patience())
        self._suppressed = context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, True, context.Context())
        self._attach = context.attach
        self._source, self._scope = otlp_wire.resource(), otlp_wire.scope(version)
        self._quiet = _Quiet()
        self._logs = OTLPLogExporter(**self._arguments(OTLPLogExporter, address, "logs"))
        self._metrics = OTLPMetricExporter(**self._arguments(OTLPMetricExporter, address, "metrics"))
        self._began = time.time_ns()

    def _arguments(self, exporter: Any, address: str, signal: str) -> dict[str, Any]:
        found: dict[str, Any] = {"session": self._session, "timeout": _ONCE}
        if address != "env":
            found["endpoint"] = f"{address}/v1/{signal}"
        if "meter_provider" in inspect.signature(exporter).parameters:
            from opentelemetry.metrics import NoOpMeterProvider

            found["meter_provider"] = NoOpMeterProvider()
        return found

    def begin(self, thread: int) -> None:
        """This thread sends from now on; called in it."""
        self._quiet.thread = thread
        for name in _TALKERS:
            logger = logging.getLogger(name)
            if self._quiet not in logger.filters:
                logger.filters.insert(0, self._quiet)  # before one that remembers what was said
        self._attach(self._suppressed)

    def logs(self, batch: Sequence[dict[str, Any]]) -> bool:
        """Send findings, as `otlp_wire.fields`."""
        records = [otlp_wire.log_record(dict(one), self._source, self._scope) for one in batch]
        return bool(self._logs.export(records).name == "SUCCESS")

    def metrics(self, measures: Any) -> bool:
        """Send the numbers of this moment."""
        data = otlp_wire.metrics(measures, self._began, time.time_ns(), self._source, self._scope)
        return bool(self._metrics.export(data).name == "SUCCESS")

    def close(self) -> None:
        """Close connections; a request that is on its way is not waited for."""
        for name in _TALKERS:
            logging.getLogger(name).removeFilter(self._quiet)
        for adapter in self._session.adapters.values():
            pools = adapter.poolmanager.pools
            for key in pools.keys():  # noqa: SIM118, it has no iterator of its own
                pools[key].close()  # else the interpreter says in dev mode that a socket was left
        self._session.close()


def patience() -> float:
    """Seconds for a request."""
    try:
        return max(0.1, float(os.environ["OTEL_EXPORTER_OTLP_TIMEOUT"]))
    except (KeyError, ValueError):
        return PATIENCE


def _session(base: Any, seconds: float) -> Any:
    class Session(base):  # type: ignore[misc]
        """One attempt for each request, with time enough for it."""

        def request(self, *args: Any, **kwargs: Any) -> Any:
            return super().request(*args, **{**kwargs, "timeout": seconds})

    return Session()
