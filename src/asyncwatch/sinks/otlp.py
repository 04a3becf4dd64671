"""Findings and metrics to an OpenTelemetry collector, by a thread of our own that nobody waits for.

What is to be sent waits in a buffer of fixed size. A collector that is dead, slow or silent costs the program nothing
but that buffer; what does not fit in it, and what was not taken in the end, is counted.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from asyncwatch.events import Event, LimitReached
from asyncwatch.findings import Finding
from asyncwatch.measures import Measures
from asyncwatch.sinks import otlp_wire
from asyncwatch.workers import Worker

PART = "sinks.otlp"
# Findings that wait to be sent. Each is some kilobytes; a place is said at its 1st, 10th, 100th … time only.
CAPACITY = 2_048
BATCH = 256
# Seconds until a collector that did not answer is tried again: twice as long each time, up to a limit.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# A batch that was refused this often is given up, so that what comes after it gets its turn.
TRIES = 6
# Seconds that the end of the program waits for what is still to be sent: before the summary, and for the summary.
LAST_FINDINGS, LAST_SUMMARY = 1.0, 0.5
# Seconds that a fork waits for our thread to be gone; less for a request that is on its way.
FORK, FORK_REQUEST = 1.0, 0.1


class Exporting(Protocol):
    """What sends; `otlp_exports.Exports`."""

    def begin(self, thread: int) -> None: ...
    def logs(self, batch: list[dict[str, Any]]) -> bool: ...
    def metrics(self, measures: Measures) -> bool: ...
    def close(self) -> None: ...


class OtlpSink:
    """Findings at or above a level, and metrics at the interval of OTEL_METRIC_EXPORT_INTERVAL."""

    name = "otlp"

    def __init__(
        self,
        address: str,
        level: int,
        measures: Callable[[], Measures],
        emit: Callable[[Event], object],
        make: Callable[[str], Exporting] | None = None,
    ) -> None:
        """`address` is a URL without a signal's path, or `env`; `make` makes what sends, and imports it."""
        self.level = level
        self._address = address
        self._measures = measures
        self._emit = emit
        self._make = make or _exports
        self._interval = interval()
        self._exporter: Exporting | None = None
        self._left: list[Exporting] = []
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[dict[str, Any]] = deque()
        self._turn_lock = _thread.allocate_lock()
        self._sent = self._lost = self._failed = self._tries = self._in_flight = 0
        self._pause = 0.0
        self._metrics_at = time.monotonic() + min(self._interval, 1.0)
        self._said = self._forking = self._closing = self._usable = False
        self._asking = False  # whether a request is on its way
        self._thread = 0
        self._worker = Worker(self._turn, ends=self._ends)

    def open(self) -> None:
        """Import the exporters, in the thread that starts the watching, and begin."""
        try:
            self._exporter = self._make(self._address)
            self._worker.start()
            self._usable = True
        except Exception as error:
            self._complain(f"{type(error).__name__}: {error}"[:500], "can send nothing")

    def fileno(self) -> None:
        """No descriptor that a line could be written to."""

    def write(self, finding: Finding, count: int) -> None:
        """Put a finding among those to be sent."""
        if not self._usable:
            self._lost += 1
        elif len(self._queue) >= CAPACITY:
            self._lost += 1
            self._complain(
                f"{CAPACITY:,} findings wait for the collector, what comes now is lost and counted", "is full"
            )
        else:
            self._queue.append(otlp_wire.fields(finding, count, os.getpid(), time.time()))
            if not self._pause:
                self._worker.poke()

    # -- the sending thread --

    def _turn(self) -> float:
        if not self._turn_lock.acquire(blocking=False):
            return 0.1  # the one from before a fork is not done yet
        try:
            return self._interval if self._forking else self._send()
        except Exception as error:
            self._lost, self._in_flight = self._lost + self._in_flight, 0
            self._complain(f"{type(error).__name__}: {error}"[:500], "could not send")
            return self._fails()
        finally:
            self._asking = False
            self._turn_lock.release()

    def _send(self) -> float:
        if self._exporter is None:
            if not self._queue and not self._measures().loops:
                return 1.0  # a forked child that may never run a loop
            self._exporter = self._make(self._address)
        if self._thread != _thread.get_ident():
            self._thread = _thread.get_ident()
            self._exporter.begin(self._thread)
        self._asking = True
        while self._queue:
            if not self._send_batch(self._exporter):
                return self._fails()
        now = time.monotonic()
        if now >= self._metrics_at or self._closing:
            self._metrics_at = now + self._interval
            if not self._exporter.metrics(self._measures()):
                return self._fails()
            self._pause = 0.0
        return max(0.01, self._metrics_at - now)

    def _send_batch(self, exporter: Exporting) -> bool:
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        self._in_flight = len(batch)
        taken = exporter.logs(batch)
        if taken:
            self._sent += len(batch)
            self._pause, self._tries = 0.0, 0
        elif self._tries + 1 >= TRIES:
            self._tries = 0
            self._lost += len(batch)
        else:
            self._tries += 1
            self._queue.extendleft(reversed(batch))
        self._in_flight = 0
        return taken

    def _fails(self) -> float:
        self._failed += 1
        self._complain("it is tried again, and what is lost is counted in the summary", "is not heard by its collector")
        self._pause = min(LONGEST_PAUSE, 2 * self._pause or FIRST_PAUSE)
        return self._pause

    def _complain(self, text: str, what: str) -> None:
        if not self._said:
            self._said = True
            self._emit(LimitReached(None, PART, text, what))

    def _ends(self) -> None:
        if self._closing and self._exporter is not None:
            self._exporter.close()

    # -- the end, and forks --

    def settle(self) -> None:
        """Send what waits, for a second at most; a collector that does not take it now is not waited for again."""
        end = time.monotonic() + LAST_FINDINGS
        failed = self._failed
        self._worker.poke()
        while self._usable and (self._queue or self._in_flight):
            if time.monotonic() > end or self._failed != failed:
                self._usable = False
                return
            time.sleep(0.005)

    def totals(self) -> dict[str, Any]:
        """What was sent and what was not, for the summary; whatever has not been taken by then is lost."""
        return {"otlp": {"sent": self._sent, "lost": self._lost + len(self._queue) + self._in_flight}}

    def close(self) -> None:
        """Send the summary and the last numbers, if the collector takes anything at all."""
        self._closing = True
        self._worker.stop(LAST_SUMMARY if self._usable else 0.0)

    def before_fork(self) -> None:
        """No thread while the process forks, unless it waits for a collector that takes longer than is waited for."""
        self._forking = True
        self._worker.stop(FORK_REQUEST if self._asking else FORK)

    def _leave(self) -> None:
        """The parent's connections are the parent's; where a request was on its way its locks are locked for ever."""
        exporter, self._exporter = self._exporter, None
        if exporter is not None and self._asking:
            self._left.append(exporter)
        elif exporter is not None:
            exporter.close()

    def after_fork(self, *, child: bool) -> None:
        """The child sends for itself: with its own connections, what it finds itself."""
        usable, self._forking = self._usable, False
        if child:
            self._leave()
            self._begin()
            self._usable = usable
        if usable:
            self._worker.start()


def _exports(address: str) -> Exporting:
    from asyncwatch.sinks.otlp_exports import Exports

    return Exports(address, sys.modules["asyncwatch"].__version__)


def interval() -> float:
    """Seconds between two sendings of all metrics; a minute where OTEL_METRIC_EXPORT_INTERVAL does not say."""
    try:
        return max(0.1, float(os.environ["OTEL_METRIC_EXPORT_INTERVAL"]) / 1000)
    except (KeyError, ValueError):
        return 60.0
