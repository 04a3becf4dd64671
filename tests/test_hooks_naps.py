"""The watcher's naps: while nobody else runs at all it only wakes to see that, and knows afterwards when that was."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import asyncwatch
from asyncwatch.hooks import eye, watchdog
from asyncwatch.hooks.eye import Nap
from asyncwatch.hooks.lags import Lags
from asyncwatch.hooks.looking import Looking
from asyncwatch.hooks.pulse import Pulse
from asyncwatch.hooks.watchdog import Watchdog

PERIOD = 0.025
LOOPS: list[Callable[[], Any]] = [asyncio.new_event_loop]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


class Sleeper:
    """A watcher at rest, with a clock that goes on when it waits; `wakes` are what each wait does to the world."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *wakes: Callable[[Sleeper], bool]) -> None:
        self.now, self.shown = 10.0, 5.0
        self.wakes = list(wakes)
        self.napped: list[tuple[float, int, bool]] = []
        self.pulse = Pulse(lambda: 7)
        self.pulse.rests(self.now, PERIOD)
        self.bus = SimpleNamespace(now=lambda: self.now, clock=self.now)
        watchdog = SimpleNamespace(nap=lambda: Nap(1, 5.0, 11.0), napped=self.on_nap)
        self.taken: list[float] = []
        blinds = SimpleNamespace(snapshot=SimpleNamespace(take=lambda: self.taken.append(self.now)))
        self.asleep = 0
        looking: Any = SimpleNamespace(
            _quiet=True, _watchdog=watchdog, _bus=self.bus, _pulse=self.pulse, _blinds=blinds,
            _natives=SimpleNamespace(asleep=self.falls_asleep), _may_doze=bool,
        )  # fmt: skip
        looking._nap, looking._wakes = partial(Looking._nap, looking), partial(Looking._wakes, looking)
        monkeypatch.setattr(time, "clock_gettime", self.show)
        Looking.sleep(looking, SimpleNamespace(acquire=self.wait), PERIOD)

    def on_nap(self, until: float, times: int, *, stirred: bool) -> None:
        self.napped.append((until, times, stirred))

    def falls_asleep(self) -> None:
        self.asleep += 1

    def show(self, clock: int) -> float:
        if self.shown < 0:
            raise OSError
        return self.shown

    def wait(self, timeout: float) -> bool:
        self.now += timeout
        return self.wakes.pop(0)(self)


def nothing(_: Sleeper) -> bool:
    return False


def poked(_: Sleeper) -> bool:
    return True


def ran(sleeper: Sleeper) -> bool:
    sleeper.shown += 1e-9
    return False


def gone(sleeper: Sleeper) -> bool:
    sleeper.shown = -1
    return False


def late(sleeper: Sleeper) -> bool:
    sleeper.now += 0.4
    return False


@pytest.mark.parametrize("end", [poked, ran, gone, late])
def test_a_nap_ends_when_anything_may_have_happened(end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poke, a thread that ran for a moment or is gone, a wake that came late: the last punctual wake is what counts."""
    sleeper = Sleeper(monkeypatch, nothing, nothing, nothing, end)
    assert sleeper.napped == [(pytest.approx(10.075), 3, end is ran)]
    assert sleeper.bus.clock == sleeper.pulse.rested_at == pytest.approx(10.075)
    assert sleeper.pulse.is_punctual(10.101)
    assert len(sleeper.taken) == (end is late)


def test_a_nap_that_ends_at_once_is_a_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is noted of a single sleep between two looks."""
    sleeper = Sleeper(monkeypatch, ran)
    assert (sleeper.napped, sleeper.bus.clock, sleeper.pulse.rested_at) == ([], 10.0, 10.0)


def test_a_nap_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is over when the loop is to be asked, though nothing happened."""
    sleeper = Sleeper(monkeypatch, *[nothing] * 100)
    assert 1.0 <= sleeper.now - 10.0 < 1.0 + 2 * PERIOD
    assert len(sleeper.wakes) == 100 - 40
    assert sleeper.asleep == 39


@pytest.mark.parametrize(("end", "times"), [(nothing, 0), (poked, 0), (late, 1)])
def test_who_wakes_late_takes_the_stacks_first(end: Any, times: int) -> None:
    """They are of the moment at which the GIL was to be had again, and cost nothing when the watcher was punctual."""
    taken: list[int] = []
    pulse = Pulse(lambda: 7)
    pulse.rests(10.0, PERIOD)
    sleeper: Any = SimpleNamespace(now=10.0)
    blinds = SimpleNamespace(snapshot=SimpleNamespace(take=lambda: taken.append(1)))
    bus = SimpleNamespace(now=lambda: sleeper.now)
    looking: Any = SimpleNamespace(_quiet=False, _pulse=pulse, _bus=bus, _blinds=blinds, _may_doze=bool)

    looking._wakes = partial(Looking._wakes, looking)

    def wait(timeout: float) -> bool:
        sleeper.now += timeout
        return bool(end(sleeper))

    Looking.sleep(looking, SimpleNamespace(acquire=wait), PERIOD)
    assert len(taken) == times


def test_a_fault_at_the_wake_is_reported() -> None:
    """Stacks that cannot be taken switch that part off; the watcher's thread goes on."""
    failed: list[str] = []

    def fault() -> None:
        raise RuntimeError("no stacks")

    bus = SimpleNamespace(fail=lambda part, error: failed.append(f"{part}: {error}"))
    looking: Any = SimpleNamespace(_bus=bus, _blinds=SimpleNamespace(snapshot=SimpleNamespace(take=fault)))
    Looking._wakes(looking, 10.0, 10.4)
    assert failed == ["hooks.watchdog: no stacks"]


def test_the_lateness_of_the_wake_that_ended_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look is late since the last punctual wake, and it knows why: there was one switch, the sleep's own."""
    sleeper = Sleeper(monkeypatch, nothing, late)
    sleeper.pulse.switches = lambda: 7 + 2
    gap = sleeper.pulse.woke(sleeper.now)
    assert (gap.since, gap.due, gap.late) == pytest.approx((10.025, 10.05, 0.4))
    assert gap.cause == "stopped"


@pytest.mark.alone
@pytest.mark.parametrize("factory", LOOPS, ids=lambda factory: factory.__module__)
def test_what_comes_after_a_long_nap_is_seen_from_its_begin(factory: Callable[[], Any]) -> None:
    """A stall after a long idle time is as long as it was, within what the watcher was late."""
    lengths = []

    async def main() -> None:
        await asyncio.sleep(1.6)
        began = time.monotonic()
        time.sleep(0.3)
        lengths.append(time.monotonic() - began)
        await asyncio.sleep(0.1)

    with asyncwatch.watch(output=()) as watch, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())
        watch.flush()
    (finding,) = [one for one in watch.findings if one.rule.code == "AW101"]
    allowed = max(0.04, 0.15 * lengths[0]) + watch.totals()["watcher_late"]
    assert abs(finding.evidence["duration"] - lengths[0]) <= allowed
    assert watch.totals()["loop_lag"]["p50"] <= 0.001


@pytest.mark.alone
@pytest.mark.parametrize("factory", LOOPS, ids=lambda factory: factory.__module__)
def test_a_built_in_function_that_ends_a_nap_is_seen(factory: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no frame of its own and the loop looks idle; it is asked at once, though it was asked seldom before."""
    monkeypatch.setattr(eye, "SOON", 1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1.7, time.sleep, 0.4)
        await asyncio.sleep(2.3)

    with asyncwatch.watch(output=()) as watch, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())
        watch.flush()
    assert [one.rule.code for one in watch.findings if one.level != "info"] == ["AW101"]


def test_an_answer_counts_as_one_at_the_look_after_it_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that has run since the last look is asked often again, also when an old question was answered before."""
    monkeypatch.setattr(watchdog, "waits_for_work", lambda *found: True)
    state: Any = SimpleNamespace(
        number=1, ident=0, native=None, base=None, baseline=None, pongs=1, pong_at=9.9, work=None, rests=lambda *seen: None
    )
    one = eye.Eye(state, 9.0)
    one.asks(9.8, None)
    one.ask_in, one.waiting, state.pongs = 1.0, True, 2
    verdicts = SimpleNamespace(throttled=lambda: None, of=lambda *found: None)
    blinds = SimpleNamespace(elsewhere=0.0, of=lambda *found: None)
    asked: list[float] = []
    looks: Any = SimpleNamespace(
        _verdicts=verdicts, _blinds=blinds, lags=Lags(), _find_thread=lambda *found: None, _ask=lambda *found: asked.append(1)
    )
    looks._answered = partial(Watchdog._answered, looks)
    loop = SimpleNamespace(slow_callback_duration=0.1)
    seen = []
    for now in (10.0, 10.025):
        Watchdog._look_at(looks, one, loop, now)
        seen.append(one.ask_in)
    assert seen == [1.0, eye.ASK_IDLE]
    assert not asked


def test_with_a_second_thread_there_are_no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether others ran meanwhile could not be told from the loop's own clock."""
    asked: list[str] = []
    looks: Any = SimpleNamespace(_quiet=SimpleNamespace(nap="nap", stirs=lambda: asked.append("often")))
    monkeypatch.setattr(threading, "_active", {1: "loop"})
    assert Watchdog.nap(looks) == "nap"
    monkeypatch.setattr(threading, "_active", {1: "loop", 2: "pool"})
    assert Watchdog.nap(looks) is None
    assert asked == ["often"]
    looks._quiet = None
    monkeypatch.setattr(threading, "_active", {1: "loop"})
    assert Watchdog.nap(looks) is None
