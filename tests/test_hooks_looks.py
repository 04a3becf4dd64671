"""One look at a loop's thread: which callback it is, when it may have begun, and what stands there for a moment only."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import types
from typing import Any

import pytest

from asyncwatch import frames
from asyncwatch.hooks import stacks, walks
from asyncwatch.hooks.eye import Eye
from asyncwatch.hooks.hold import Look
from asyncwatch.hooks.pulse import Gap
from asyncwatch.hooks.stacks import Step
from asyncwatch.hooks.trips import Trips

PUNCTUAL = Gap(since=10.0, due=10.025, now=10.025)
LATE = Gap(since=10.0, due=10.025, now=10.325, late=0.3, cause="gil")


class Owner:
    """Somebody whose frame it is."""


def own_frame() -> types.FrameType:
    return sys._getframe()


def test_a_frame_at_the_address_of_one_that_is_gone() -> None:
    """Two steps whose frames have one address are one callback only if they are of one task."""
    frame, first = own_frame(), Owner()
    step = Step(frame, first)
    assert step == Step(frame, first)
    assert step != Step(frame, Owner())
    del first
    gc.collect()
    assert step != Step(frame, Owner())
    assert step == Step(frame, None)
    assert step != Step(sys._getframe(), None)
    assert step != object()


def test_the_steps_of_two_tasks_are_two_callbacks() -> None:
    """Of tasks that run one after the other each is a callback of its own, wherever its frame lies; one task stays one."""
    keys: dict[str, list[object]] = {"a": [], "b": []}

    async def step(name: str) -> None:
        task = asyncio.current_task()
        keys[name] += [Look(sys._getframe(), task, None, None, traced=False).key for _ in range(2)]

    async def main() -> None:
        for name in ("a", "b"):
            await asyncio.create_task(step(name))

    asyncio.run(main())
    assert keys["a"][0] == keys["a"][1]
    assert keys["b"][0] == keys["b"][1]
    assert keys["a"][0] != keys["b"][0]


@pytest.fixture
def eye() -> Eye:
    state: Any = types.SimpleNamespace(pongs=0, pong_at=0.0, asked_at=0.0, baseline=None)
    eye = Eye(state, 9.0)
    eye.alive_at = 9.9
    return eye


def began(eye: Eye, key: object, now: float, gap: Gap) -> tuple[float, float]:
    return eye._began(key, now, gap)


def test_who_ran_when_the_loop_was_asked_began_before(eye: Eye) -> None:
    """The callback that is seen as the loop is asked, and again later, began between its last answer and the question."""
    eye.asks(9.92, "one")
    eye.waiting = True
    assert began(eye, "one", 10.025, PUNCTUAL) == (9.9, pytest.approx(9.92))


def test_who_did_not_run_then_began_later(eye: Eye) -> None:
    """Another callback than the one seen as the loop was asked began after the question."""
    eye.asks(9.92, "one")
    eye.waiting = True
    assert began(eye, "two", 10.025, PUNCTUAL) == (9.92, 10.025)
    assert began(eye, "two", 10.325, LATE) == (9.92, 10.025)


def test_an_idle_loop_begins_when_it_is_asked(eye: Eye) -> None:
    """The question itself wakes a loop that waits: what keeps it from answering begins there."""
    eye.idle = True
    eye.asks(9.92, None)
    eye.waiting = True
    assert began(eye, "one", 10.025, PUNCTUAL) == (9.9, pytest.approx(9.92))


def library() -> types.FrameType:
    return sys._getframe()


def handler() -> types.FrameType:
    return library()


def test_a_handler_is_no_part_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal of ours has put on the stack, with all that it calls, is cut off; the rest is as it was."""
    assert Trips._on_signal.__code__ in stacks.HANDLERS
    top = handler()
    whole = stacks.program_frames(top)
    assert whole[0] is top
    monkeypatch.setattr(stacks, "HANDLERS", {handler.__code__})
    assert stacks.program_frames(top) == whole[2:]


def test_every_threads_stack_is_written_down() -> None:
    """Each other thread's places, innermost first, as its frames show them; none of the thread that asks."""
    gates = [threading.Lock() for _ in range(3)]
    for gate in gates:
        gate.acquire()
    threads = [threading.Thread(target=wait_at, args=(gate,)) for gate in gates]
    for thread in threads:
        thread.start()
    idents = {thread.ident for thread in threads}
    while any(code is not wait_at.__code__ for ident, ((code, _), *_) in walks.Snapshot().stacks().items() if ident in idents):
        time.sleep(0)
    written, frames = walks.Snapshot().stacks(), walks.current_frames()
    for ident in idents:
        assert ident is not None
        assert written[ident] == tuple((frame.f_code, frame.f_lasti) for frame in walks.frames_from(frames[ident]))
        assert written[ident] == walks.stack_of_thread(ident)
    assert threading.get_ident() not in written
    del frames
    for gate in gates:
        gate.release()


def wait_at(gate: threading.Lock) -> None:
    with gate:
        pass


def test_what_is_written_down_keeps_no_variable() -> None:
    """A function that ends later frees its variables itself: who has looked at its thread holds none of them."""
    freed_by: list[int] = []
    gate = threading.Lock()
    gate.acquire()
    thread = threading.Thread(target=hold_until, args=(gate, freed_by))
    thread.start()
    while not any(code is hold_until.__code__ for code, _ in walks.Snapshot().stacks().get(thread.ident or 0, ())):
        time.sleep(0)
    written = walks.Snapshot().stacks()
    gate.release()
    thread.join()
    assert freed_by == [thread.ident]
    assert written


class Freed:
    def __init__(self, by: list[int]) -> None:
        self.by = by

    def __del__(self) -> None:
        self.by.append(threading.get_ident())


def hold_until(gate: threading.Lock, freed_by: list[int]) -> None:
    held = Freed(freed_by)
    with gate:
        assert held


def test_an_answer_out_of_our_own_code_says_nothing_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """While Python of ours ran, no native code of the program's did: the place above it is not kept."""
    trips = Trips(lambda: None, lambda: None, lambda: 7)
    frame = own_frame()
    trips._on_signal(0, frame)
    monkeypatch.setattr("asyncwatch.hooks.stacks.PACKAGE", __file__)
    trips._on_signal(0, frame)
    (kept, turns), ours = trips.taken()
    assert kept[0] == (frame.f_code, frame.f_lasti)
    assert turns == 7
    assert ours == ((), 0)


def test_what_a_native_call_stands_at() -> None:
    """A call that was made so often that the interpreter knows it is a call all the same, on every Python."""
    found: list[tuple[Any, int]] = []

    class Sized:
        def __len__(self) -> int:
            frame = sys._getframe(1)
            found.append((frame.f_code, frame.f_lasti))
            return 1

    def often(value: Sized) -> None:
        for _ in range(200):
            len(value)

    often(Sized())
    assert len(found) == 200
    assert all(frames.stands_at_call(place) for place in found)
    assert {frames.called_at(place) for place in found} == {"len"}
