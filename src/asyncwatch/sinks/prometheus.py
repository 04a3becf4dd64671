"""Metrics in the program's own prometheus_client, so that they are on the endpoint that is scraped already.

prometheus_client is never imported here: whether it keeps its values in files for several processes is decided when it
is imported, by a variable that the program may set just before. So the metrics begin when the program has imported it.
https://prometheus.github.io/client_python/multiprocess/
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from asyncwatch.events import Event, LimitReached
from asyncwatch.findings import Finding
from asyncwatch.measures import BOUNDS, Measures
from asyncwatch.workers import Worker

PART = "sinks.prometheus"
# Seconds between two looks at the numbers; a scrape is seldom more frequent.
PERIOD = 2.0
# A histogram takes one wait at a time.
MOST_WAITS = 20_000
# Above every level: findings are counted by the pipeline, none is written here.
NOTHING = 100
FORK = 1.0
LAST = 0.3


class Exposed:
    """The metrics, brought up to date by a thread of our own."""

    name = "prometheus"
    level = NOTHING

    def __init__(self, measures: Callable[[], Measures], emit: Callable[[Event], object]) -> None:
        self._measures = measures
        self._emit = emit
        self._forking = self._closing = False
        self._metrics: _Metrics | None = None
        self._broken = False
        self._worker = Worker(self._turn)

    def open(self) -> None:
        self._worker.start()

    def fileno(self) -> None:
        """No descriptor that a line could be written to."""

    def write(self, finding: Finding, count: int) -> None:
        """Counted by the pipeline already."""

    def _turn(self) -> float:
        if self._broken or self._forking:
            return PERIOD
        try:
            if self._metrics is None:
                self._metrics = _Metrics.of_the_program()
            if self._metrics is not None:
                self._metrics.update(self._measures())
        except Exception as error:
            self._broken = True
            text = f"{type(error).__name__}: {error}"[:500]
            self._emit(LimitReached(None, PART, text, "has no metrics in prometheus_client"))
        return PERIOD

    def settle(self) -> None:
        """The last numbers are brought with the end."""

    def totals(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """Bring the last numbers, and leave the program's registry as it was."""
        self._worker.stop(LAST)
        if self._metrics is not None:
            self._metrics.remove()

    def before_fork(self) -> None:
        """No thread of ours holds a lock of prometheus_client's while the process forks."""
        self._forking = True
        self._worker.stop(FORK)

    def after_fork(self, *, child: bool) -> None:
        self._forking = False
        if child and self._metrics is not None:
            self._metrics.begin()
        self._worker.start()


class _Metrics:
    """Made in the default registry of the program's prometheus_client; what has grown is added."""

    def __init__(self, library: Any) -> None:
        self._registry = library.REGISTRY
        self._made: list[Any] = []
        try:
            self._findings = self._make(
                library.Counter, "asyncwatch_findings", "Findings, repeated ones too.", ["code", "level"]
            )
            self._created = self._make(library.Counter, "asyncwatch_tasks_created", "Tasks created.")
            self._live = self._make(
                library.Gauge, "asyncwatch_tasks", "Tasks that are pending.", multiprocess_mode="livesum"
            )
            text = "How long callbacks wait for their turn."
            self._delay = self._make(library.Histogram, "asyncwatch_loop_delay_seconds", text, buckets=BOUNDS)
        except Exception:
            self.remove()
            raise
        self.begin()

    @classmethod
    def of_the_program(cls) -> _Metrics | None:
        """None while the program has not imported it, or still does."""
        library = sys.modules.get("prometheus_client")
        spec = getattr(library, "__spec__", None)
        if library is None or getattr(spec, "_initializing", False):
            return None
        return cls(library)

    def _make(self, kind: Any, name: str, text: str, labels: list[str] | None = None, **more: Any) -> Any:
        metric = kind(name, text, labels or [], registry=self._registry, **more)
        self._made.append(metric)
        return metric

    def begin(self) -> None:
        """Nothing was added so far."""
        self._added: Counter[object] = Counter()

    def update(self, measures: Measures) -> None:
        for (code, level), times in measures.findings.items():
            if more := self._more((code, level), times):
                self._findings.labels(code, level).inc(more)
        if more := self._more("created", measures.created):
            self._created.inc(more)
        self._live.set(measures.live)
        left = MOST_WAITS
        for seconds, times in measures.lag.waits:
            for _ in range(min(left, self._more(seconds, times))):
                self._delay.observe(seconds)
                left -= 1

    def _more(self, what: object, now: int) -> int:
        more = max(0, now - self._added[what])
        self._added[what] += more
        return more

    def remove(self) -> None:
        """Take them out of the registry."""
        while self._made:
            try:
                self._registry.unregister(self._made.pop())
            except KeyError:
                pass  # the program did
