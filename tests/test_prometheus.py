"""Metrics in the program's own prometheus_client: on its own endpoint, with several processes, and gone at the end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from conftest import run_watched

from asyncwatch.measures import Measures, lag_of
from asyncwatch.sinks import prometheus

PROGRAM = """
import asyncio, os, sys, time
from prometheus_client import CollectorRegistry, REGISTRY, generate_latest, multiprocess

def scrape(registry):
    print(generate_latest(registry).decode())

async def work():
    await asyncio.sleep(0.1)
    time.sleep(0.3)

async def main():
    waiting = [asyncio.create_task(asyncio.sleep(60)) for _ in range(5)]
    await asyncio.gather(*(asyncio.create_task(asyncio.sleep(0)) for _ in range(20)))
    await work()
    await asyncio.sleep(2.5 + 2)
    if "fork" not in sys.argv:
        scrape(REGISTRY)
    for task in waiting:
        task.cancel()

if "fork" in sys.argv:
    for _ in range(2):
        if not (pid := os.fork()):
            asyncio.run(main())
            os._exit(0)
        os.waitpid(pid, 0)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    scrape(registry)
else:
    asyncio.run(main())
"""


def metrics(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(asyncwatch\S+) (\S+)$", text, re.MULTILINE)}


def test_they_are_on_the_programs_own_endpoint(program: Any, tmp_path: Path) -> None:
    """Findings by code and level, tasks created and pending, and how long callbacks wait, in the default registry."""
    run = run_watched(program(PROGRAM), folder=tmp_path, options=["--prometheus", "on"])
    found = metrics(run.out)
    assert found['asyncwatch_findings_total{code="AW101",level="warning"}'] >= 1, run.err
    assert found["asyncwatch_tasks_created_total"] >= 26
    assert 6 <= found["asyncwatch_tasks"] <= 26
    assert found["asyncwatch_loop_delay_seconds_count"] > 10
    assert found['asyncwatch_loop_delay_seconds_bucket{le="0.1"}'] < found["asyncwatch_loop_delay_seconds_count"]


def test_processes_add_up_in_multiprocess_mode(program: Any, tmp_path: Path) -> None:
    """Each forked child keeps its own numbers, from nothing; the files of both make the sum."""
    folder = tmp_path / "files"
    folder.mkdir()
    options = ["--prometheus", "on"]
    run = run_watched(
        program(PROGRAM),
        "fork",
        folder=tmp_path,
        options=options,
        PROMETHEUS_MULTIPROC_DIR=str(folder),
    )
    found = metrics(run.out)
    assert found['asyncwatch_findings_total{code="AW101",level="warning"}'] >= 2, run.err
    assert 52 <= found["asyncwatch_tasks_created_total"] <= 60


def test_a_program_without_prometheus_is_left_alone(program: Any, tmp_path: Path) -> None:
    """prometheus_client is not imported for it."""
    text = "import asyncio, sys\nasyncio.run(asyncio.sleep(0.5))\nprint('prometheus_client' in sys.modules)"
    run = run_watched(program(text), folder=tmp_path, options=["--prometheus", "on"])
    assert run.out.split() == ["False"], run.err


def test_they_are_gone_when_the_watching_ends() -> None:
    """What was registered is taken out again; twice in one process is no duplicate."""
    import prometheus_client

    measures = Measures({("AW101", "warning"): 3}, lag_of([(0.2, 4)], 0.2), 2, 7, 1)
    for _ in range(2):
        sink = prometheus.Exposed(lambda: measures, print)
        sink._turn()
        text = prometheus_client.generate_latest().decode()
        assert metrics(text)["asyncwatch_tasks_created_total"] == 7
        sink._turn()
        assert metrics(prometheus_client.generate_latest().decode())["asyncwatch_tasks_created_total"] == 7
        sink.close()
        assert "asyncwatch" not in prometheus_client.generate_latest().decode()


def test_a_name_that_is_taken_is_said_once() -> None:
    """Where the program has a metric of that name, ours are left out, and nothing of it is raised."""
    import prometheus_client

    theirs = prometheus_client.Counter("asyncwatch_tasks_created", "the program's own")
    said: list[Any] = []
    try:
        sink = prometheus.Exposed(lambda: Measures({}, lag_of([], 0.0), 0, 0, 0), said.append)
        sink._turn()
        sink._turn()
        sink.close()
    finally:
        prometheus_client.REGISTRY.unregister(theirs)
    assert len(said) == 1
    assert "Duplicated" in said[0].text
