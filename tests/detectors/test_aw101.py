"""AW101 slow-callback: the busiest line, the cause, and no finding without evidence."""

from __future__ import annotations

import concurrent.futures.thread
import dis
import threading
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest
from by_hand import APP, LIBRARY, LOOP, a_task, at, judge, only, raw

from asyncwatch.detectors import aw101_slow_callback as rule
from asyncwatch.events import Account, Collection, StepHeld, TaskFacts

CHARGE = (raw("charge", 41), raw("main", 12))
REFUND = (raw("refund", 50), raw("main", 13))
IN_LIBRARY = (raw("get", 160, LIBRARY), raw("take", 60), raw("main", 12))


def held(
    *samples: tuple[tuple, int],
    duration: float = 0.312,
    threshold: float = 0.1,
    task: TaskFacts | None = None,
    cpu: float | None = None,
    starved: float | None = 0.0,
    account: dict[str, Any] | None = None,
    **more: Any,
) -> StepHeld:
    if cpu is None and starved is not None:
        cpu = duration - starved
    return StepHeld(LOOP, duration, threshold, samples, task, Account(cpu, starved, **(account or {})), **more)


def test_the_line_that_was_running_is_named() -> None:
    """The finding stands at the sampled application line, with the stack outermost first."""
    finding = only(rule, held((CHARGE, 21), task=a_task()))
    assert finding.where == at("charge", 41)
    assert finding.stack == (at("main", 12), at("charge", 41))
    assert finding.level == "warning"
    assert finding.event == "step of task 'worker-3' held the loop for 312 ms in charge()"
    assert finding.evidence == {
        "duration": 0.312,
        "threshold": 0.1,
        "cpu": 0.312,
        "cause": "code",
        "samples": 21,
        "without_cpu": 0.0,
    }


def test_a_callback_is_no_task() -> None:
    """Without a task the sentence speaks of a callback and the finding has no task."""
    finding = only(rule, held((CHARGE, 1)))
    assert finding.event.startswith("callback held the loop for 312 ms")
    assert finding.task is None


def test_the_busiest_line_wins_over_the_latest() -> None:
    """Of several sampled lines the one seen most often is the place, the others are shares in the evidence."""
    finding = only(rule, held((CHARGE, 3), (REFUND, 7)))
    assert finding.where == at("refund", 50)
    assert [(row["line"], row["share"]) for row in finding.evidence["lines"]] == [(50, 0.7), (41, 0.3)]
    assert finding.evidence["samples"] == 10


def test_one_line_under_several_library_frames_is_one_line() -> None:
    """Samples that differ only below the application's line are counted together."""
    deeper = (raw("wait", 300, LIBRARY), *IN_LIBRARY)
    finding = only(rule, held((IN_LIBRARY, 2), (deeper, 2), (CHARGE, 3)))
    assert finding.where == at("take", 60)
    assert len(finding.stack) in (3, 4)


def test_a_line_with_few_samples_is_no_row() -> None:
    """A line seen in less than a tenth of the samples is left out of the evidence."""
    finding = only(rule, held((CHARGE, 99), (REFUND, 1)))
    assert "lines" not in finding.evidence


def test_the_library_is_not_blamed_for_its_caller() -> None:
    """The place is the innermost application frame though the thread stood in the standard library."""
    finding = only(rule, held((IN_LIBRARY, 5)))
    assert finding.where == at("take", 60)
    assert finding.stack[-1] == at("get", 160, LIBRARY)


def test_without_application_frames_the_innermost_is_named() -> None:
    """A callback that is all library has the library's line as its place."""
    finding = only(rule, held(((raw("get", 160, LIBRARY),), 5)))
    assert finding.where == at("get", 160, LIBRARY)


def test_a_starved_thread_is_info() -> None:
    """When it would have been short enough with a CPU of its own, that is the cause and the level is info."""
    finding = only(rule, held((CHARGE, 9), duration=0.4, starved=0.31, task=a_task()))
    assert (finding.level, finding.evidence["cause"], finding.evidence["why"]) == ("info", "starved", "preempted")
    assert finding.event == "step of task 'worker-3' took 400 ms, 310 ms of it waiting for a CPU"


def test_what_took_the_cpu_away_is_told_apart() -> None:
    """A used up quota, a stopped process and a lost turn each have their name."""
    for name in ("throttled", "stopped"):
        finding = only(rule, held((CHARGE, 9), duration=0.4, cpu=0.05, starved=0.01, account={name: 0.34}))
        assert (finding.level, finding.evidence["why"], finding.evidence[name]) == ("info", name, 0.34)
    # Throttled threads look stopped from inside, and on some kernels as waiting for their turn.
    both = only(rule, held((CHARGE, 9), duration=0.4, cpu=0.05, starved=0.35, account={"throttled": 0.3}))
    assert both.evidence["why"] == "throttled"


def test_a_sleep_loses_nothing_by_the_quota(tmp_path: Path) -> None:
    """However long other processes of the group were throttled, a sleep on the loop would have been as long."""
    asleep = called("def charge():\n    time.sleep(0.3)\n", "charge", tmp_path)
    finding = only(rule, held(((asleep,), 9), duration=0.3, cpu=0.0, account={"throttled": 0.29}))
    assert (finding.level, finding.evidence["cause"]) == ("warning", "code")
    (tmp_path / "app.py").unlink()
    locked = called("def refund():\n    lock.acquire()\n", "refund", tmp_path)
    finding = only(rule, held(((locked,), 9), duration=0.3, cpu=0.0, account={"throttled": 0.29}))
    assert (finding.level, finding.evidence["why"]) == ("info", "throttled")


def test_what_ran_before_and_after_is_not_the_steps() -> None:
    """CPU time counted over a longer span than the step may be its neighbours': it proves nothing against the step."""
    account = {"span": 0.6, "gil": 0.0}
    finding = only(rule, held((CHARGE, 9), duration=0.4, cpu=0.25, starved=0.35, account=account))
    assert (finding.level, finding.evidence["cause"]) == ("info", "starved")
    assert finding.evidence["without_cpu"] + 0.05 <= 0.4 + 1e-9
    finding = only(rule, held((CHARGE, 9), duration=0.4, cpu=0.35, starved=0.2, account=account))
    assert (finding.level, finding.evidence["cause"]) == ("warning", "code")


def test_taking_turns_with_other_threads_is_starved() -> None:
    """A step that would have been short enough without other threads at the GIL is info and says so."""
    finding = only(rule, held((CHARGE, 9), duration=0.3, cpu=0.04, starved=0.02, account={"contended": 0.24}))
    assert (finding.level, finding.evidence["why"], finding.evidence["contended"]) == ("info", "other threads", 0.24)
    assert finding.event.endswith("other threads of the process ran instead")


@pytest.mark.parametrize(("function", "module"), [("start", threading), ("submit", concurrent.futures.thread)])
def test_starting_a_thread_is_no_code_of_the_starter(function: str, module: ModuleType) -> None:
    """Who waits in Thread.start() for a new thread that gets no CPU, or for a pool that waits so, is info."""
    starting = (raw(function, 200, module.__file__ or ""), *CHARGE)
    finding = only(rule, held((starting, 9), cpu=0.0))
    assert (finding.level, finding.evidence["why"]) == ("info", "other threads")


def test_native_code_with_the_gil_is_its_own_cause() -> None:
    """When the watcher could not get the GIL for most of the time, the cause is gil and the level a warning."""
    finding = only(rule, held((CHARGE, 30), account={"gil": 0.28}))
    assert (finding.level, finding.evidence["cause"], finding.evidence["gil"]) == ("warning", "gil", 0.28)
    assert only(rule, held((CHARGE, 30), account={"gil": 0.05})).evidence["cause"] == "code"


def test_another_thread_with_the_gil_is_named() -> None:
    """The line is the other thread's, which is named, and no task of the loop is blamed."""
    event = held((IN_LIBRARY, 30), cpu=0.001, account={"gil": 0.28}, holder="worker-1")
    finding = only(rule, event)
    assert finding.event.startswith("thread 'worker-1' held the GIL and so the loop for 312 ms")
    assert (finding.where, finding.evidence["holder"], finding.task) == (at("take", 60), "worker-1", None)


def test_the_collector_is_no_fault_of_the_line() -> None:
    """A collection that the interpreter began is the cause and info, with its generation and what it freed."""
    run = Collection(0.25, 2, 1234, raw("main", 3))
    finding = only(rule, held((CHARGE, 30), account={"collections": (run,), "gil": 0.3}))
    assert (finding.level, finding.evidence["cause"]) == ("info", "gc")
    assert finding.evidence["gc"] == {"seconds": 0.25, "generation": 2, "collected": 1234}
    assert finding.event.endswith("took 312 ms, 250 ms of it in the garbage collector (generation 2)")


def test_a_collection_that_leaves_enough_is_no_excuse() -> None:
    """When the rest of the step is slow by itself, the code is the cause; the collection is in the evidence."""
    run = Collection(0.2, 2, 0, raw("main", 3))
    finding = only(rule, held((CHARGE, 30), account={"collections": (run,)}))
    assert (finding.level, finding.evidence["cause"], finding.evidence["gc"]["seconds"]) == ("warning", "code", 0.2)


def test_a_collection_the_program_asked_for_is_code(tmp_path: Path) -> None:
    """`gc.collect()` called by the program is a line to change."""
    raws = called("def tidy():\n    gc.collect()\n", "tidy", tmp_path)
    run = Collection(0.3, 2, 0, raws)
    finding = only(rule, held(((raws,), 30), account={"collections": (run,)}))
    assert (finding.level, finding.evidence["cause"]) == ("warning", "code")


def test_a_debugger_is_no_stall() -> None:
    """A step that stands in pdb is info: somebody looks at it."""
    finding = only(rule, held(((raw("interaction", 9, "/python/lib/pdb.py"), *CHARGE), 30), starved=0.0))
    assert (finding.level, finding.evidence["why"]) == ("info", "debugger")


def test_an_uncertain_length_says_so() -> None:
    """When the watcher was late itself the finding says how far off its length may be; a small error is not worth it."""
    assert only(rule, held((CHARGE, 9), uncertainty=0.05)).evidence["uncertainty"] == 0.05
    assert "uncertainty" not in only(rule, held((CHARGE, 9), uncertainty=0.0125)).evidence


def test_a_hang_that_was_said_is_info_afterwards() -> None:
    """After AW102 the length is told at level info."""
    assert only(rule, held((CHARGE, 9), duration=6.0, hung=True)).level == "info"


def test_an_async_for_that_never_suspends_is_called_that(tmp_path: Path) -> None:
    """A step whose time passes inside an async generator, at changing places, is named as what it is."""
    source = "async def rows():\n    yield load()\nasync def main():\n    async for row in rows():\n        use(row)\n"
    code = compile(source, str(tmp_path / "app.py"), "exec")
    (tmp_path / "app.py").write_text(source)
    rows, main = (const for const in code.co_consts if isinstance(const, CodeType))
    loop_line = next(start for start, _, line in main.co_lines() if line == 4)
    body_line = next(start for start, _, line in main.co_lines() if line == 5)
    inside = ((rows, 0), (main, loop_line))
    finding = only(rule, held((inside, 20), (((main, body_line),), 10), task=a_task()))
    assert finding.event.endswith("in rows(), an `async for` that never suspends")
    assert finding.evidence["within"] == "an async for that never suspended"
    assert "within" not in only(rule, held((inside, 20), task=a_task())).evidence


def test_a_thread_that_waits_for_its_turn_is_starved() -> None:
    """Hardly any CPU at an instruction that waits for nothing: other threads of the process ran instead."""

    def loop() -> None:
        while True:
            pass

    def call() -> None:
        print()

    jump = next(i.offset for i in dis.get_instructions(loop) if i.opname.startswith("JUMP_BACKWARD"))
    at_jump = ((loop.__code__, jump),)
    at_call = ((call.__code__, next(i.offset for i in dis.get_instructions(call) if i.opname == "CALL")),)
    assert only(rule, held((at_jump, 9), cpu=0.01)).evidence["cause"] == "starved"
    assert only(rule, held((at_jump, 9), cpu=0.29)).evidence["cause"] == "code"
    assert only(rule, held((at_call, 9), cpu=0.01)).evidence["cause"] == "code"


def test_a_little_waiting_for_the_cpu_does_not_excuse_the_code() -> None:
    """What would have been slow with a CPU of its own is code, and a warning."""
    finding = only(rule, held((CHARGE, 9), duration=0.4, starved=0.19))
    assert (finding.level, finding.evidence["cause"], finding.evidence["without_cpu"]) == ("warning", "code", 0.19)


def test_a_machine_that_does_not_tell_is_not_starved() -> None:
    """Where the kernel does not say how long the thread waited, nothing is claimed about it."""
    finding = only(rule, held((CHARGE, 9), starved=None))
    assert finding.evidence["cause"] == "code"
    assert "without_cpu" not in finding.evidence


def test_at_the_threshold_it_is_slow() -> None:
    """A step exactly as long as the threshold is slow; a shorter one is not."""
    assert judge(rule, held((CHARGE, 1), duration=0.1))
    assert not judge(rule, held((CHARGE, 1), duration=0.0999))


def test_no_samples_no_blame() -> None:
    """A pause in which nothing was seen is blamed on no line."""
    assert not judge(rule, held())


def test_durations_over_a_second_are_told_in_seconds() -> None:
    """The sentence gives milliseconds below a second and seconds above."""
    assert " 2.5 s " in only(rule, held((CHARGE, 1), duration=2.51)).event


def called(source: str, function: str, folder: Path) -> tuple[CodeType, int]:
    """The first call in a function of some source, as a raw frame."""
    file = folder / "app.py"
    file.write_text(source)
    namespace: dict[str, Any] = {}
    exec(compile(source, str(file), "exec"), namespace)
    code = namespace[function].__code__
    return code, next(one.offset for one in dis.get_instructions(code) if one.opname.startswith("CALL"))


def test_the_blocking_call_is_named_as_the_source_writes_it(tmp_path: Path) -> None:
    """Where the source can be read the sentence names the function that was being called."""
    raws = called("def charge():\n    time.sleep(0.3)\n", "charge", tmp_path)
    finding = only(rule, held(((raws,), 5)))
    assert finding.event.endswith("in time.sleep()")
    assert finding.where == at("charge", 2, str(tmp_path / "app.py"))


def test_the_same_place_has_one_fingerprint() -> None:
    """Two findings at one line count as the same one whatever their lengths and tasks."""
    first, second = only(rule, held((CHARGE, 1), duration=0.2)), only(rule, held((CHARGE, 8), task=a_task()))
    other = only(rule, held((REFUND, 1)))
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert first.fingerprint.startswith("AW101:")
    assert first.fingerprint.endswith("orders.py:charge:41")
    assert APP.endswith("orders.py")
