"""The watcher's sleep without the GIL: it ends when anything is to be looked at, and does nothing to the program."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import COMPILED

import asyncwatch
from asyncwatch import env
from asyncwatch.hooks import dozing, twins
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.dozing import DUE, FAILED, LATE, POKED, SILENT, WANTED, Dozer, descriptor_of

pytestmark = [
    pytest.mark.skipif(not COMPILED or twins.DOZE is None, reason="not compiled here"),
    pytest.mark.alone,
]
PERIOD, EVER = 0.02, 60.0


class Loop:
    """What is asked; it answers at once unless it is told not to."""

    def __init__(self, bus: Bus, *, answers: bool = True) -> None:
        self.bus = bus
        self.answers = answers
        self.asked: list[int] = []

    def put(self, asks: bool) -> bool:
        if asks:
            self.asked.append(threading.get_ident())
            if self.answers:
                self.bus.answered_at = time.monotonic()
        return True


def file_of(native: int, name: str) -> bytes:
    return b"/proc/self/task/%d/%s" % (native, name.encode())


class Sleeper(threading.Thread):
    """A thread that dozes while the main thread, whose loop that is, does something."""

    def __init__(self, loop: Loop, **given: Any) -> None:
        super().__init__()
        self.bus, self.wake, self.found = loop.bus, twins.Wake(), ()
        self.wake.acquire()
        self.put = given.get("put", loop.put)
        self.poll = given.get("poll", -1)
        self.until = given.get("until", EVER)
        self.standing = given.get("standing", file_of(os.getpid(), "syscall"))

    def run(self) -> None:
        native, now = os.getpid(), time.monotonic()
        files = self.standing, file_of(native, "schedstat"), b"/proc/self/comm"
        clock = env.cpu_clock(native)
        times = now, PERIOD, now + self.until, 0.25, EVER, 0.0, now, time.clock_gettime(clock), 1000.0, 500.0
        doze: Any = twins.DOZE
        self.found = doze(self.wake, self.bus, self.put, (clock, self.poll), files, (clock,), (), times)

    @property
    def why(self) -> int:
        return self.found[0]  # type: ignore[return-value]


def busy(seconds: float, sleeper: Sleeper | None = None) -> None:
    """Run Python, and give the GIL away now and then, as a loop does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and (sleeper is None or sleeper.is_alive()):
        for _ in range(1000):
            pass
        time.sleep(0)


def dozed(sleeper: Sleeper, act: Callable[[], object], patience: float = 10.0) -> Sleeper:
    """What the sleep found while the main thread did this; once more where the machine had no CPU for it."""
    sleeper.start()
    act()
    busy(patience, sleeper)
    sleeper.join(1)
    assert not sleeper.is_alive()
    return sleeper


@pytest.fixture
def bus() -> Bus:
    return Bus(frozenset())


def on_time(make: Callable[[], Sleeper], act: Callable[[Sleeper], object]) -> Sleeper:
    """The same with a sleep that was never late: a machine without a CPU to spare is no part of the question."""
    for _ in range(30):
        sleeper = make()
        dozed(sleeper, lambda: act(sleeper))  # noqa: B023
        if sleeper.why != LATE:
            return sleeper
    pytest.skip("this machine has no CPU to spare")


def test_a_loop_that_answers_is_asked_in_its_own_thread_and_slept_through(bus: Bus) -> None:
    """Each look asks the busy loop, notes the time and its thread's numbers, and the sleep has its end."""
    loop = Loop(bus)
    sleeper = on_time(lambda: Sleeper(loop, until=0.3), lambda sleeper: busy(10, sleeper))
    why, times, last, before, switches, asked_at, put_at, alive_at, ran, lags, spent, numbers, quota = sleeper.found
    assert why == DUE
    assert 2 <= times <= 0.3 / PERIOD
    assert set(loop.asked) == {threading.get_ident()}
    assert len(loop.asked) <= 30 * (times + 1)
    assert before + PERIOD <= last <= time.monotonic()
    assert bus.clock == last == put_at
    assert asked_at in (0.0, last)
    assert last - PERIOD <= alive_at <= time.monotonic()
    assert len(lags) in (times, times - 1)
    assert all(0 <= lag < 0.1 for lag in lags)
    assert spent == pytest.approx((ran,), abs=0.01)
    assert int(numbers.split()[0]) / 1e9 == pytest.approx(ran, abs=0.05)
    assert switches > 0
    assert quota == Path("/proc/self/comm").read_bytes()
    assert 0 <= bus.extra <= 500


def test_it_ends_when_the_loop_is_silent(bus: Bus) -> None:
    """A question that is put and not answered, or that nobody comes to put, ends the sleep at the next look."""
    deaf = Loop(bus, answers=False)
    assert on_time(lambda: Sleeper(deaf), lambda sleeper: busy(10, sleeper)).why == SILENT
    assert deaf.asked
    stands = Loop(bus)
    sleeper = on_time(lambda: Sleeper(stands), lambda _: time.sleep(10 * PERIOD))
    assert sleeper.why == SILENT
    assert sleeper.found[5] == sleeper.found[2]  # asked at the last look


def test_a_loop_that_waits_for_something_to_do_is_not_asked(bus: Bus) -> None:
    """The kernel says what its thread waits for; another descriptor is no loop's."""
    selector = selectors.EpollSelector()
    loop = Loop(bus)
    sleeper = on_time(
        lambda: Sleeper(loop, poll=selector.fileno(), until=0.2), lambda _: selector.select(0.3)
    )
    assert sleeper.why == DUE
    assert sleeper.found[1] >= 2
    assert not loop.asked
    assert on_time(lambda: Sleeper(loop, poll=selector.fileno() + 1), lambda _: selector.select(0.3)).why == SILENT
    selector.close()


@pytest.mark.parametrize("end", ["poked", "wanted", "another's signal", "traced", "no file"])
def test_it_ends_when_anything_is_to_be_looked_at(bus: Bus, end: str) -> None:
    """A poke, something that is written down, a signal that is not ours any more, a debugger, a file not to be had."""
    loop = Loop(bus)
    given: dict[str, Any] = {}
    if end == "another's signal":
        given["put"] = lambda asks: False
    elif end == "no file":
        given["standing"] = b"/nowhere"

    def act(sleeper: Sleeper) -> None:
        busy(2 * PERIOD)
        if end == "poked":
            sleeper.wake.release()
        elif end == "wanted":
            bus.wants = 1
        elif end == "traced":
            sys.settrace(lambda *_: None)
            busy(10, sleeper)
            sys.settrace(None)

    sleeper = on_time(lambda: Sleeper(loop, **given), act)
    wanted = {"poked": POKED, "no file": FAILED}
    assert sleeper.why == wanted.get(end, WANTED)


def test_two_do_not_sleep_so_at_once(bus: Bus) -> None:
    """There is one question; who comes second sleeps as ever."""
    loop = Loop(bus)
    first, second = Sleeper(loop), Sleeper(loop)
    first.start()
    busy(PERIOD / 2)
    second.run()
    first.wake.release()
    first.join()
    assert second.found is None
    assert first.why in (POKED, LATE)


def test_what_waits_is_a_lock() -> None:
    """It waits as long as it is told, is had once for each release, and a release too many is an error."""
    wake = twins.Wake()
    assert wake.acquire(timeout=0.0)
    assert not wake.acquire(timeout=0.01)
    wake.release()
    with pytest.raises(RuntimeError):
        wake.release()
    assert wake.acquire()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_is_raised_in_the_middle_of_a_question_reaches_the_program(bus: Bus, error: type[BaseException]) -> None:
    """A signal's handler may raise there, or another thread have it raise."""

    class Raises(Loop):
        def put(self, asks: bool) -> bool:
            if not self.asked:
                self.asked.append(0)
                raise error
            return True

    def act(sleeper: Sleeper) -> None:
        try:
            busy(10, sleeper)
        except BaseException as raised:
            caught.append(type(raised))

    def make() -> Sleeper:
        caught.clear()
        loops.append(Raises(bus))
        return Sleeper(loops[-1])

    caught: list[type[BaseException]] = []
    loops: list[Loop] = []
    assert on_time(make, act).why == WANTED
    assert caught == [error]


def test_a_question_goes_to_the_loop_that_is_there() -> None:
    """Not to one that is closed or gone, and not where the threshold is another or the signals are the program's now."""
    loop = asyncio.new_event_loop()
    state: Any = SimpleNamespace(ref=weakref.ref(loop), pong=lambda: None)
    put = dozing._question(state, 0.1, lambda: True)
    assert (put(False), len(loop._ready)) == (True, 0)  # type: ignore[attr-defined]
    assert (put(True), len(loop._ready)) == (True, 1)  # type: ignore[attr-defined]
    assert not dozing._question(state, 0.1, lambda: False)(True)
    loop.slow_callback_duration = 0.2
    assert not put(True)
    loop.close()
    uvloop = pytest.importorskip("uvloop").new_event_loop()
    state.ref = weakref.ref(uvloop)
    assert put(True)
    uvloop.close()
    assert not put(True)
    state.ref = lambda: None
    assert not put(True)


def test_a_program_that_is_traced_sees_no_question() -> None:
    """Whoever steps through it with a debugger does not step into calls that it never made."""
    here = __file__
    strange: list[str] = []

    def trace(frame: Any, event: str, _: object) -> Any:
        if frame.f_code.co_name == "_call_soon" and frame.f_back.f_code.co_filename == here:
            strange.append(event)
        return None

    async def main() -> None:
        await asyncio.sleep(0.3)
        sys.settrace(trace)
        try:
            end = time.monotonic() + 0.6
            while time.monotonic() < end:
                sum(range(1000))
                await asyncio.sleep(0)
        finally:
            sys.settrace(None)

    with asyncwatch.watch(output=()):
        asyncio.run(main())
    assert strange == []


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What each sleep found."""
    seen: list[tuple[Any, ...]] = []
    original = Dozer._note

    def note(self: Dozer, eye: Any, period: float, idents: list[int], *found: Any) -> None:
        original(self, eye, period, idents, *found)
        seen.append(found)

    monkeypatch.setattr(Dozer, "_note", note)
    return seen


async def work(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))
        await asyncio.sleep(0)


@pytest.mark.parametrize("profile", ["light", "debug"])
@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_a_busy_program_is_mostly_looked_at_without_the_gil(
    kind: str, profile: str, notes: list[tuple[Any, ...]]
) -> None:
    """Most looks at a loop that answers are made in the sleep; the waits it reports are those of a loop that answers."""
    factory: Callable[[], Any] = asyncio.new_event_loop
    if kind == "uvloop":
        factory = pytest.importorskip("uvloop").new_event_loop
    with asyncwatch.watch(output=(), profile=profile) as watch, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work(2.0))
        watch.flush()
    assert [one.rule.code for one in watch.findings if one.level != "info"] == []
    assert not watch._bus.broken
    assert sum(times for why, times, *_ in notes if why == DUE) > 0
    assert watch.totals()["loop_lag"]["p50"] < 0.02


async def stall() -> None:
    await asyncio.sleep(0.3)
    time.sleep(0.3)
    await asyncio.sleep(0.1)


def test_where_the_kernel_says_nothing_the_watcher_looks_as_ever(
    monkeypatch: pytest.MonkeyPatch, notes: list[tuple[Any, ...]]
) -> None:
    """It tries once, and a slow callback is found all the same."""
    monkeypatch.setattr(dozing, "file_of", lambda native, name: b"/nowhere")

    with asyncwatch.watch(output=()) as watch:
        asyncio.run(stall())
        watch.flush()
    assert [why for why, *_ in notes].count(FAILED) == 1
    assert [one.rule.code for one in watch.findings if one.level != "info"] == ["AW101"]


def test_a_fault_of_the_sleep_switches_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and the watcher looks as ever."""

    def fault(*_: object) -> None:
        raise ValueError("no sleep")

    monkeypatch.setattr(Dozer, "_plan", fault)

    with asyncwatch.watch(output=()) as watch:
        asyncio.run(stall())
        watch.flush()
    assert {one.rule.code for one in watch.findings if one.level != "info"} == {"AW001", "AW101"}
    assert watch._bus.broken == {"hooks.dozing": "ValueError: no sleep"}


def test_what_a_loop_waits_on() -> None:
    """asyncio's own say it while they are open, those on another selector and anything else do not."""
    loop = asyncio.new_event_loop()
    assert descriptor_of(loop) == loop._selector.fileno()  # type: ignore[attr-defined]
    loop.close()
    assert descriptor_of(loop) == -1
    other = asyncio.SelectorEventLoop(selectors.SelectSelector())
    assert descriptor_of(other) == -1
    other.close()
    assert descriptor_of(None) == -1
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
