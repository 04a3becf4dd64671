"""The three instruments that ship: what they count, by a clock of the test's own and on real loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import each_loop, run_python

from asyncwatch.hooks.births import POSSIBLE
from asyncwatch.instruments import SchedulingLatency, StepLog, TaskCPU


class Task:
    """What an instrument asks of a task."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = False

    def get_name(self) -> str:
        return self.name

    def done(self) -> bool:
        return self.ended


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_cpu_time_is_added_up_by_task(clock: Clock) -> None:
    """Each step's time is its task's, tasks of one name are one, and what ran between steps is nobody's."""
    cpu, one, two, same = TaskCPU(clock), Task("one"), Task("two"), Task("one")
    for at, end, task in ((0.0, 1.0, one), (5.0, 5.5, two), (6.0, 8.0, one), (8.0, 8.25, same)):
        clock.now = at
        cpu.before_task_step(task)  # type: ignore[arg-type]
        clock.now = end
        cpu.after_task_step(task)  # type: ignore[arg-type]
    assert cpu.seconds == {"one": 3.25, "two": 0.5}
    one.ended = True
    cpu.before_task_step(one)  # type: ignore[arg-type]
    cpu.after_task_step(one)  # type: ignore[arg-type]
    del one, same, two, task
    assert cpu.seconds == {"one": 3.0}


def test_cpu_time_of_a_step_inside_another_is_its_own(clock: Clock) -> None:
    """An eager task's step is taken from that of its creator."""
    cpu, outer, inner = TaskCPU(clock), Task("outer"), Task("inner")
    for at, hook, task in ((0, "before", outer), (1, "before", inner), (4, "after", inner), (6, "after", outer)):
        clock.now = at
        getattr(cpu, f"{hook}_task_step")(task)
    assert cpu.seconds == {"inner": 3.0, "outer": 3.0}


def test_a_step_whose_beginning_was_not_seen_is_not_counted(clock: Clock) -> None:
    """Added in the middle of a step, the instrument begins with the next."""
    cpu, task = TaskCPU(clock), Task("one")
    cpu.after_task_step(task)  # type: ignore[arg-type]
    assert cpu.seconds == {}


def test_latencies_fall_into_their_buckets(clock: Clock) -> None:
    """A wait is counted in the first bucket it fits, one beyond all in the last; a step nobody scheduled in none."""
    histogram, task = SchedulingLatency(clock), Task("one")
    histogram.before_task_step(task)  # type: ignore[arg-type]
    for waited in (0.0, 0.0002, 0.1, 4.0):
        clock.now = 0.0
        histogram.task_scheduled(task)  # type: ignore[arg-type]
        clock.now = waited
        histogram.before_task_step(task)  # type: ignore[arg-type]
    assert [histogram.counts[index] for index in (0, 1, 6, 10)] == [1, 1, 1, 1]
    assert (sum(histogram.counts), histogram.longest) == (4, 4.0)
    assert str(histogram).splitlines()[-1] == "       1 longer, up to 4 s"


def test_the_log_is_bounded_and_holds_names(clock: Clock) -> None:
    """The oldest entries go first; an entry is a time, a hook and a name."""
    log, task = StepLog(most=2, clock=clock), Task("one")
    for hook in ("task_spawned", "before_task_step", "after_task_step"):
        getattr(log, hook)(task)
    assert list(log.entries) == [(0.0, "before_task_step", "one"), (0.0, "after_task_step", "one")]
    assert str(log).splitlines()[0] == "0.000000 before_task_step one"


USE = """
import asyncio, sys, time
import asyncwatch
from asyncwatch.instruments import SchedulingLatency, StepLog, TaskCPU
if sys.argv[1] == "uvloop":
    import uvloop as loops
else:
    import asyncio as loops

def eager(loop, coro, **kwargs):
    kwargs.pop("eager_start", None)
    return asyncio.Task(coro, loop=loop, eager_start=True, **kwargs)

async def computes():
    end = time.thread_time() + 0.2
    while time.thread_time() < end:
        pass
    await asyncio.sleep(0)

async def waits():
    await asyncio.sleep(0.2)

async def main():
    if sys.argv[2] == "eager":
        asyncio.get_running_loop().set_task_factory(eager)
    async with asyncio.TaskGroup() as group:
        for function in (computes, waits):
            group.create_task(function(), name=function.__name__)

cpu, log, latency = TaskCPU(), StepLog(), SchedulingLatency()
with asyncwatch.watch(output=(), instruments=[cpu, log, latency], ignore=("AW101", "AW103")) as watch:
    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        runner.run(main())
    print(next(iter(cpu.seconds)), cpu.seconds["computes"] >= 0.2, cpu.seconds["waits"] + cpu.seconds["Task-1"] < 0.1)
    print(*[hook for _, hook, task in log.entries if task == "waits"])
    steps = sum(hook == "task_scheduled" for _, hook, _ in log.entries)
    print(sum(latency.counts) == steps, latency.longest > 0.19, [one.rule.code for one in watch.findings])
"""


@each_loop
@pytest.mark.parametrize("how", ["plain", "eager"])
def test_on_a_real_loop(program: Any, kind: str, how: str) -> None:
    """The task that computes has the CPU time, the log has every step in order, and who waited for its turn is counted."""
    if how == "eager" and not POSSIBLE:
        pytest.skip("no eager tasks on this Python")
    done = run_python(str(program(USE)), kind, how, cwd=Path.cwd())
    assert done.status == 0, done.err
    steps = [
        "before_task_step",
        "after_task_step",
        "task_scheduled",
        "before_task_step",
        "task_exited",
        "after_task_step",
    ]
    lines = done.out.splitlines()
    assert lines[0] == "computes True True"
    # Some loops and Pythons give a task its name after its birth, and an eager one after its first step.
    known = 6 if how == "plain" else 4
    assert lines[1].split()[-known:] == steps[-known:]
    # The eager one that waits has suspended before the other has computed.
    assert lines[2] == f"True {how == 'plain'} []"
