"""The way to an OpenTelemetry collector, with one that answers, is dead or silent played by an object; scripts/pipelines
has the real one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import run_watched

from asyncwatch import config, sinks
from asyncwatch.events import LoopFacts, ParentFacts, TaskFacts
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope
from asyncwatch.measures import BOUNDS, Measures, lag_of
from asyncwatch.sinks import otlp, otlp_wire

RULE = Rule("AW101", "slow-callback", "warning", "", "")
FRAME = Frame("/app/shop.py", 6, "charge")
CONTEXT = (("request_id", "r-1"), ("span_id", "00f067aa0ba902b7"), ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"))
TASK = TaskFacts("worker", "shop.worker", (), ParentFacts("Task-1", "shop.main"), CONTEXT)
SLOW = Finding(
    RULE,
    "warning",
    "step held the loop",
    FRAME,
    (FRAME,),
    TASK,
    {"duration": 0.3, "shares": [1]},
    LoopFacts("uvloop.Loop", "main", 1),
)
NUMBERS = Measures({("AW101", "warning"): 3}, lag_of([(0.2, 4)], 0.2), 2, 7, 1)


class Collector:
    """Plays the exporters: takes, refuses, or hangs until it is let go."""

    def __init__(self, behaviour: str = "takes") -> None:
        self.behaviour = behaviour
        self.logged: list[dict[str, Any]] = []
        self.measured: list[Measures] = []
        self.threads: set[int] = set()
        self.let_go = threading.Event()
        self.asked = 0
        self.closed = False

    def begin(self, thread: int) -> None:
        self.threads.add(thread)

    def logs(self, batch: list[dict[str, Any]]) -> bool:
        self.asked += 1
        if self.behaviour == "breaks":
            raise RuntimeError("an exporter's own fault")
        if self.behaviour == "hangs":
            self.let_go.wait(20)
        if self.behaviour == "takes":
            self.logged.extend(batch)
        return self.behaviour == "takes"

    def metrics(self, measures: Measures) -> bool:
        self.measured.append(measures)
        return self.behaviour == "takes"

    def close(self) -> None:
        self.closed = True


Made = tuple[otlp.OtlpSink, Collector, list[Any]]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Made]]:
    made: list[Made] = []

    def new(behaviour: str = "takes", **more: Any) -> Made:
        for name, value in more.items():
            monkeypatch.setattr(otlp, name, value)
        collector, said = Collector(behaviour), []
        sink = otlp.OtlpSink("env", 20, lambda: NUMBERS, said.append, lambda address: collector)
        sink.open()
        made.append((sink, collector, said))
        return made[-1]

    yield new
    for sink, collector, _ in made:
        collector.let_go.set()
        sink.close()


def test_what_is_found_is_sent_by_a_thread_of_ours(make: Callable[..., Made]) -> None:
    """Whoever writes does not send; the numbers come at the end at the latest."""
    sink, collector, said = make()
    for count in (1, 10):
        sink.write(SLOW, count)
    sink.settle()
    assert [one["attributes"]["asyncwatch.count"] for one in collector.logged] == [1, 10]
    assert sink.totals() == {"otlp": {"sent": 2, "lost": 0}}
    sink.close()
    assert collector.measured[-1] is NUMBERS
    assert threading.get_ident() not in collector.threads
    assert collector.closed
    assert said == []


@pytest.mark.parametrize("behaviour", ["refuses", "hangs", "breaks"])
def test_what_is_lost_is_counted_and_nobody_waits(make: Callable[..., Made], behaviour: str) -> None:
    """Everything written is sent or lost; writing never waits, ending waits for what it says at most, and it is said once."""
    sink, collector, said = make(behaviour, CAPACITY=5)
    began = time.monotonic()
    for count in range(1, 21):
        sink.write(SLOW, count)
    wrote = time.monotonic() - began
    sink.settle()
    total = sink.totals()["otlp"]
    assert total == {"sent": 0, "lost": 20}
    began = time.monotonic()
    sink.close()
    assert len(said) == 1
    assert collector.asked >= 1
    # Far from how long the silent one is silent, 20 seconds.
    assert wrote + time.monotonic() - began < 10


def test_a_collector_that_comes_back_gets_what_waited(make: Callable[..., Made]) -> None:
    """What was refused is sent again, in order."""
    sink, collector, said = make("refuses", FIRST_PAUSE=0.01)
    sink.write(SLOW, 1)
    while not said:
        time.sleep(0.001)
    collector.behaviour = "takes"
    end = time.monotonic() + 10
    while not collector.logged and time.monotonic() < end:
        time.sleep(0.01)
    sink.write(SLOW, 10)
    sink.settle()
    assert [one["attributes"]["asyncwatch.count"] for one in collector.logged] == [1, 10]
    assert sink.totals() == {"otlp": {"sent": 2, "lost": 0}}


def test_a_batch_that_is_refused_again_and_again_makes_room(make: Callable[..., Made]) -> None:
    """What a collector never takes is given up, and counted."""
    sink, collector, _ = make("refuses", FIRST_PAUSE=0.001, LONGEST_PAUSE=0.002)
    sink.write(SLOW, 1)
    end = time.monotonic() + 10
    while collector.asked < otlp.TRIES and time.monotonic() < end:
        time.sleep(0.01)
    collector.behaviour = "takes"
    sink.write(SLOW, 10)
    sink.settle()
    assert [one["attributes"]["asyncwatch.count"] for one in collector.logged] == [10]
    assert sink.totals() == {"otlp": {"sent": 1, "lost": 1}}


def test_the_thread_is_gone_while_the_process_forks(make: Callable[..., Made]) -> None:
    """It is there again afterwards; a request that takes long is not waited for."""
    sink, collector, _ = make()
    sink.before_fork()
    threads = {int(name) for name in os.listdir("/proc/self/task")} if os.path.isdir("/proc/self/task") else set()
    assert sink._worker._life.native not in threads
    sink.after_fork(child=False)
    sink.write(SLOW, 1)
    sink.settle()
    assert len(collector.logged) == 1


def test_a_forked_child_sends_what_it_finds_itself(make: Callable[..., Made]) -> None:
    """With an exporter of its own, counted from nothing; what waited in the parent is the parent's."""
    sink, collector, _ = make("refuses")
    sink.write(SLOW, 1)
    sink.before_fork()
    sink.after_fork(child=True)
    assert sink._exporter is None or sink._thread
    assert sink.totals() == {"otlp": {"sent": 0, "lost": 0}}
    collector.behaviour = "takes"
    sink.write(SLOW, 10)
    sink.settle()
    assert [one["attributes"]["asyncwatch.count"] for one in collector.logged] == [10]


def test_exporters_that_cannot_be_made_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program starts all the same, and what is not sent is counted."""
    said: list[Any] = []

    def make(address: str) -> Any:
        raise ValueError("bad headers")

    sink = otlp.OtlpSink("env", 20, lambda: NUMBERS, said.append, make)
    sink.open()
    sink.write(SLOW, 1)
    sink.settle()
    sink.close()
    assert "bad headers" in said[0].text
    assert sink.totals() == {"otlp": {"sent": 0, "lost": 1}}


def test_a_finding_has_opentelemetrys_names() -> None:
    """Severity, event name, time, trace and the semantic attributes; what has no name there is under `asyncwatch.`."""
    found = otlp_wire.fields(SLOW, 3, 7, 1.5)
    assert (found["severity_number"], found["severity_text"]) == (13, "warning")
    assert (found["event_name"], found["body"]) == ("asyncwatch.slow_callback", "step held the loop")
    assert (found["trace_id"], found["span_id"]) == (0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7)
    assert found["timestamp"] == 1_500_000_000
    assert found["attributes"] == {
        "asyncwatch.code": "AW101",
        "asyncwatch.rule": "slow-callback",
        "asyncwatch.fingerprint": "AW101:/app/shop.py:charge:6",
        "asyncwatch.count": 3,
        "code.file.path": "/app/shop.py",
        "code.line.number": 6,
        "code.function.name": "charge",
        "code.stacktrace": '  File "/app/shop.py", line 6, in charge',
        "thread.name": "main",
        "asyncwatch.loop": "uvloop.Loop",
        "process.pid": 7,
        "asyncwatch.task.name": "worker",
        "asyncwatch.task.coro": "shop.worker",
        "asyncwatch.task.parent.name": "Task-1",
        "asyncwatch.evidence.duration": 0.3,
        "asyncwatch.evidence.shares": "[1]",
        "asyncwatch.context.request_id": "r-1",
    }


def test_no_value_can_break_the_message() -> None:
    """Control characters are escaped, endless texts cut, and what is no valid text is made one."""
    task = TaskFacts("\x1b[31m\n\udce4" + "x" * 10_000, "coro", context=(("trace_id", "no hex"), ("a\nb", "c\x00")))
    found = otlp_wire.fields(Finding(RULE, "warning", "\x1b]0;", task=task), 1, 1, 0.0)
    texts = [
        found["body"],
        *found["attributes"],
        *(one for one in found["attributes"].values() if isinstance(one, str)),
    ]
    assert all(text.isprintable() for text in texts)
    assert max(map(len, texts)) <= 4 * otlp_wire.LONGEST_VALUE
    assert found["trace_id"] == 0


def test_a_wait_is_in_its_bucket() -> None:
    """The histogram has one bucket for each bound and one above; a wait of a bound's length belongs to that bound."""
    lag = lag_of([(0.001, 2), (0.3, 1), (99.0, 1)], 99.0)
    assert len(lag.counts) == len(BOUNDS) + 1
    assert (lag.counts[0], lag.counts[BOUNDS.index(0.5)], lag.counts[-1]) == (2, 1, 1)
    assert lag.total == pytest.approx(99.302)


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the next step, before the program starts."""
    monkeypatch.setattr(sinks.importlib.util, "find_spec", lambda name: None)
    for options, extra in (({"otlp": "env"}, "otlp"), ({"prometheus": "on"}, "prometheus")):
        with pytest.raises(config.ConfigError, match=rf"asyncwatch-sidecar\[{extra}\]"):
            sinks.build(config.Config(output=(), **options), Scope(), lambda: NUMBERS, print)


@pytest.mark.parametrize("value", ["localhost:4318", "ftp://x", "http://", "http://a b", "http://a\x1b"])
def test_an_address_that_is_none_is_refused(value: str) -> None:
    """The sentence says what would be right."""
    option = next(one for one in config.OPTIONS if one.name == "otlp")
    with pytest.raises(config.ConfigError, match="http://localhost:4318, or env"):
        config.parse_option(option, value, "--otlp")


def test_a_project_file_names_no_collector(tmp_path: Path, program: Any) -> None:
    """Somebody else's pyproject.toml cannot have findings sent to an address of theirs."""
    (tmp_path / "pyproject.toml").write_text('[tool.asyncwatch]\notlp = "http://elsewhere:4318"\n')
    run = run_watched(program("print('ran')"), folder=tmp_path)
    assert run.status == 2
    assert "expected env" in run.err
