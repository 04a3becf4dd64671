"""AW101 slow-callback: the busiest line, the cause, and no finding without evidence."""

from __future__ import annotations

import dis

from by_hand import APP, LIBRARY, LOOP, a_task, at, judge, only, raw

from asyncwatch.detectors import aw101_slow_callback as rule
from asyncwatch.events import StepHeld, TaskFacts

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
) -> StepHeld:
    if cpu is None and starved is not None:
        cpu = duration - starved
    return StepHeld(LOOP, duration, threshold, samples, task, cpu, starved, exact=False)


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
    """When half of the time passed without a CPU, that is the cause and the level is info."""
    finding = only(rule, held((CHARGE, 9), duration=0.4, starved=0.2, task=a_task()))
    assert (finding.level, finding.evidence["cause"]) == ("info", "starved")
    assert finding.event == "step of task 'worker-3' took 400 ms, only 200 ms of it on a CPU"


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
    """When less than half of the time passed without a CPU, the code is the cause and the level a warning."""
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


def test_the_blocking_call_is_named_as_the_source_writes_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Where the source can be read the sentence names the function that was being called."""
    file = tmp_path / "app.py"
    file.write_text("def charge():\n    time.sleep(0.3)\n")
    namespace: dict = {}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    code = namespace["charge"].__code__
    import dis

    call = next(one.offset for one in dis.get_instructions(code) if one.opname.startswith("CALL"))
    finding = only(rule, held((((code, call),), 5)))
    assert finding.event.endswith("in time.sleep()")
    assert finding.where == at("charge", 2, str(file))


def test_the_same_place_has_one_fingerprint() -> None:
    """Two findings at one line count as the same one whatever their lengths and tasks."""
    first, second = only(rule, held((CHARGE, 1), duration=0.2)), only(rule, held((CHARGE, 8), task=a_task()))
    other = only(rule, held((REFUND, 1)))
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert first.fingerprint.startswith("AW101:")
    assert first.fingerprint.endswith("orders.py:charge:41")
    assert APP.endswith("orders.py")
