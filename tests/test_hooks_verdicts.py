"""When a hang is said: an event of it comes when the detector takes it, for it comes once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from asyncwatch.detectors import aw102_loop_hung
from asyncwatch.events import LoopFacts, StepHeld
from asyncwatch.findings import Finding
from asyncwatch.frames import Scope
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.collector import Collector
from asyncwatch.hooks.eye import Eye
from asyncwatch.hooks.hold import SAMPLING, Blind, Hold
from asyncwatch.hooks.quota import Quota
from asyncwatch.hooks.verdicts import Verdicts
from asyncwatch.hooks.vitals import Vitals

AFTER = 0.5


def program() -> None:
    raise NotImplementedError


def hold_for(
    seconds: float, *, first_look: float = 0.0, turns: int = 0, others: float = 0.0
) -> tuple[list[Finding], bool]:
    """A loop held from 0 on, at an instruction of `program`: what AW102 says of it, and whether it counts as hung.

    The thread's numbers are known from `first_look` on. In each look's time the thread got `turns` turns, and the other
    threads of the process `others` seconds of CPU.
    """
    bus = Bus(frozenset({"AW102"}))
    verdicts = Verdicts(bus, Collector(bus), Quota(of="/nowhere"), AFTER)
    state: Any = SimpleNamespace(pongs=0, native=None, baseline=None, facts=LoopFacts("uvloop.Loop", "MainThread", 1))
    look: Any = SimpleNamespace(key=1, stack=((program.__code__, 0),))
    eye = Eye(state, 0.0)
    eye.hold = Hold(0.0, 0.0)
    for number in range(round(seconds / SAMPLING) + 1):
        now = number * SAMPLING
        eye.hold.look(look, now, None)
        if now >= first_look:
            eye.record.add(now, Vitals(0.0 if turns else now, 0.0, number * turns), None, number * others)
        verdicts.while_it_lasts(eye, now)
    detector = aw102_loop_hung.Detector(Scope())
    findings = [finding for event in bus.queue for finding in detector.observe(event)]
    assert len(bus.queue) == len(findings), "an event that nobody takes is lost"
    current = eye.hold.current
    assert current is not None
    return findings, current.hung


@pytest.mark.parametrize("first_look", [0.0, 0.02, 0.2])
def test_a_hang_is_said_once_however_late_its_thread_was_looked_at(first_look: float) -> None:
    """The loop's first step may hang before anything is known of its thread: it is said when enough has been seen."""
    (finding,), hung = hold_for(1.5, first_look=first_look)
    assert hung
    assert AFTER + first_look <= finding.evidence["duration"] < AFTER + first_look + 3 * SAMPLING


def test_a_loop_that_other_threads_keep_from_the_gil_is_not_hung() -> None:
    """A thread that asks for the GIL all the time while others run waits for them: nothing is said, nor taken for said."""
    assert hold_for(1.5, turns=2, others=SAMPLING) == ([], False)


@pytest.mark.parametrize("late", [0.0, 0.02])
def test_a_built_in_callback_is_told_though_the_watcher_was_late_once(late: float) -> None:
    """Looks that find only the loop itself stand for a callback without a frame; one late look takes nothing away."""
    bus = Bus(frozenset({"AW101"}))
    verdicts = Verdicts(bus, Collector(bus), Quota(of="/nowhere"), AFTER)
    facts = LoopFacts("uvloop.Loop", "MainThread", 1)
    eye = Eye(SimpleNamespace(pongs=0, native=None, baseline=None, facts=facts), 0.0)  # type: ignore[arg-type]
    eye.waiting = True
    eye.hold = Hold(0.0, 0.0)
    if late:
        eye.hold.blind(Blind(late, 0.0, 0.01, "stopped"), None, None, fresh=False)
    for number in range(40):
        eye.record.add(number * SAMPLING, Vitals(0.0, 0.0, 0), None, 0.0)
        eye.hold.look_nowhere(number * SAMPLING)
    verdicts.of(eye, 0.4)
    (event,) = bus.queue
    assert isinstance(event, StepHeld)
    assert (event.duration, event.samples, event.account.stopped) == (0.4, (((), 40),), late)
