"""Proof that a task waits for ever: cycles, owners of locks, what nothing alive can reach; and waits that are meant."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from conftest import LOOPS
from test_hooks_waiting import on_loop

import asyncwatch
from asyncwatch import env
from asyncwatch.hooks import cycles, forever, waiting
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.reach import MOST_OBJECTS, unreachable

kept: list[Any] = []


async def start(*coros: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.ensure_future(coro) for coro in coros]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def stop(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def dead(tasks: list[asyncio.Task[Any]]) -> set[int]:
    """Which of these nothing can wake."""
    targets = []
    for task in tasks:
        wait = waiting.wait_of(task)
        assert wait is not None
        targets.append(wait.target)
        del wait
    return unreachable(tasks, targets)[0]


# -- reach --


async def gets(queue: asyncio.Queue[int]) -> None:
    await queue.get()


async def hears(event: asyncio.Event) -> None:
    await event.wait()


async def hears_in(box: dict[str, asyncio.Event]) -> None:
    await box["event"].wait()


async def answers(replies: list[Any]) -> None:
    replies.append(asyncio.get_running_loop().create_future())
    await replies[0]


class Holder:
    """Something with an event of its own."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def waits(self) -> None:
        await self.event.wait()


UNREACHABLE: list[Callable[[], Coroutine[Any, Any, Any]]] = [
    lambda: gets(asyncio.Queue()),
    lambda: hears(asyncio.Event()),
    lambda: hears_in({"event": asyncio.Event()}),
    lambda: answers([]),
    lambda: Holder().waits(),
]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("make", UNREACHABLE)
def test_what_only_the_waiter_holds_is_out_of_reach(
    loop: str, make: Callable[[], Coroutine[Any, Any, Any]]
) -> None:
    """A queue, event, future, or the object around it that lives in the waiting frame alone can be set by nobody."""

    async def main() -> None:
        tasks = await start(make())
        assert dead(tasks) == {0}
        await stop(tasks)

    on_loop(loop, main())


def by_variable(event: asyncio.Event) -> Any:
    kept.append(event)


def by_callback(event: asyncio.Event) -> Any:
    return asyncio.get_running_loop().call_later(30, event.set)


def by_closure(event: asyncio.Event) -> Any:
    kept.append(lambda: event.set())


def by_partial(event: asyncio.Event) -> Any:
    kept.append(functools.partial(asyncio.Event.set, event))


def by_weak_reference(event: asyncio.Event) -> Any:
    kept.append(weakref.ref(event))


def by_sleeping_task(event: asyncio.Event) -> Any:
    async def sets() -> None:
        await asyncio.sleep(30)
        event.set()

    return asyncio.ensure_future(sets())


def by_done_callback(event: asyncio.Event) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda _: event.set())
    kept.append(future)


WAYS = [by_variable, by_callback, by_closure, by_partial, by_weak_reference, by_sleeping_task, by_done_callback]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_what_somebody_else_holds_can_be_reached(loop: str, way: Callable[[asyncio.Event], Any]) -> None:
    """Held in any way by anything that is no waiting frame, it is no deadlock."""

    async def main() -> None:
        event = asyncio.Event()
        handle = way(event)
        tasks = await start(hears(event))
        del event
        assert dead(tasks) == set()
        await stop(tasks)
        if handle is not None:
            handle.cancel()

    on_loop(loop, main())
    kept.clear()


def test_tasks_that_could_wake_each_other_but_for_that_they_wait() -> None:
    """Each holds what the other waits for: both are dead; if one of them can be woken from outside, none is."""

    async def waits_with(own: asyncio.Event, other: asyncio.Event) -> None:
        await own.wait()
        other.set()

    async def main() -> None:
        one, two = asyncio.Event(), asyncio.Event()
        tasks = await start(waits_with(one, two), waits_with(two, one))
        del one
        held = two
        assert dead(tasks) == set()
        del held, two
        assert dead(tasks) == {0, 1}
        assert dead(tasks[:1]) == set()  # asked alone, the other frame counts as a holder
        await stop(tasks)

    asyncio.run(main())


def test_too_much_to_look_at_is_no_proof() -> None:
    """Beyond the bound nothing is said."""

    async def among_many(event: asyncio.Event, many: list[Any]) -> None:
        await event.wait()

    async def main() -> None:
        tasks = await start(among_many(asyncio.Event(), [[] for _ in range(MOST_OBJECTS)]))
        assert dead(tasks) == set()
        await stop(tasks)

    asyncio.run(main())


# -- locks and cycles --


def test_a_lock_knows_its_owner_while_we_watch() -> None:
    """By `async with` and by hand, given on to the next, and no more when it is free; afterwards nothing is left."""

    async def holds(lock: asyncio.Lock, gate: asyncio.Event) -> None:
        await lock.acquire()
        await gate.wait()
        lock.release()

    async def main() -> None:
        lock, first, second = asyncio.Lock(), asyncio.Event(), asyncio.Event()
        tasks = await start(holds(lock, first), holds(lock, second))
        owner = watch._hooks._lockers.owner
        assert owner(lock) is tasks[0]
        first.set()
        await tasks[0]
        await asyncio.sleep(0)
        assert owner(lock) is tasks[1]
        second.set()
        await tasks[1]
        assert owner(lock) is None
        assert not lock.locked()
        async with lock:
            assert owner(lock) is asyncio.current_task()
            assert set(vars(lock)) <= {"_locked", "_waiters", "_loop"}
        assert watch._hooks._lockers._owners == {}

    with asyncwatch.watch(output=()) as watch:
        asyncio.run(main())
    assert "_locked" not in vars(asyncio.Lock)


def test_cycles_are_found_and_chains_are_none() -> None:
    """Two that await each other, and a child that awaits its parent in a group; not a chain that ends in a sleep."""

    async def joins(box: list[Any]) -> None:
        await asyncio.sleep(0.02)
        await asyncio.shield(box[0])

    async def child(parent: Any) -> None:
        await asyncio.shield(parent)

    async def parent() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child(asyncio.current_task()))

    async def main() -> None:
        one: list[Any] = []
        two: list[Any] = []
        tasks = await start(joins(one), joins(two), parent())
        one.append(tasks[1])
        two.append(tasks[0])
        sleeper = asyncio.ensure_future(asyncio.sleep(30))
        tasks += [*await start(joins([sleeper])), sleeper]
        await asyncio.sleep(0.1)
        found = [cycles.cycle_of(task, lambda lock: None) for task in tasks]
        assert found[0] == [tasks[0], tasks[1]]
        assert found[1] == [tasks[1], tasks[0]]
        assert [task.get_coro().__name__ for task in found[2]] == ["parent", "child"]  # type: ignore[union-attr]
        assert found[3:] == [[], []]
        await stop(tasks)

    asyncio.run(main())


def test_whoever_waits_for_the_first_of_several_is_in_no_cycle() -> None:
    """asyncio.wait with another task that may end is a way out."""

    async def first_of(box: list[Any]) -> None:
        await asyncio.sleep(0.02)
        await asyncio.wait(box)

    async def main() -> None:
        one: list[Any] = [asyncio.ensure_future(asyncio.sleep(30))]
        two: list[Any] = []
        tasks = await start(first_of(one), first_of(two))
        one.append(tasks[1])
        two.append(tasks[0])
        await asyncio.sleep(0.1)
        assert cycles.cycle_of(tasks[1], lambda lock: None) == []
        await stop([*tasks, one[0]])

    asyncio.run(main())


# -- on purpose --


async def runs_for_ever() -> None:
    await asyncio.Future()


async def runs_for_ever_by_loop() -> None:
    await asyncio.get_running_loop().create_future()


async def event_at_once() -> None:
    await asyncio.Event().wait()


async def event_by_name() -> None:
    stop = asyncio.Event()
    await stop.wait()


async def given(stop: asyncio.Event) -> None:
    await stop.wait()


async def shares() -> None:
    stop = asyncio.Event()
    kept.append(stop)
    await stop.wait()


async def keeps_open() -> None:
    with contextlib.suppress(KeyError):
        await asyncio.Future()


async def on_signal() -> None:
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, stop.set_result, None)
    await stop


async def on_signal_by_lambda() -> None:
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, lambda: stop.set_result(None))
    await stop


async def by_attribute(holder: Holder) -> None:
    await holder.event.wait()


# As the main task, and as one of several.
PURPOSES = [
    (runs_for_ever, True, False), (runs_for_ever_by_loop, True, False), (event_at_once, True, False),
    (event_by_name, True, False), (lambda: given(asyncio.Event()), True, False), (shares, False, False),
    (keeps_open, True, True), (on_signal, True, True), (on_signal_by_lambda, True, True),
    (lambda: by_attribute(Holder()), False, False),
]  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("way", "as_main", "as_child"), PURPOSES)
def test_waits_that_are_meant_to_last(loop: str, way: Any, as_main: bool, as_child: bool) -> None:
    """What was made where it is awaited and given to nobody is meant, by the main task or inside a `with`."""

    async def main() -> None:
        state = watch._hooks.loops.known(asyncio.get_running_loop())
        assert state is not None
        tasks = await start(way())
        wait = waiting.wait_of(tasks[0])
        assert wait is not None
        assert forever.on_purpose(tasks[0], wait, state, root=True) is as_main
        assert forever.on_purpose(tasks[0], wait, state, root=False) is as_child
        asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR2)
        await stop(tasks)

    with asyncwatch.watch(output=()) as watch:
        on_loop(loop, main())
    kept.clear()


def test_the_callback_of_a_signal_is_not_kept_alive() -> None:
    """What a signal's handler held is gone when the handler is removed."""

    class Value:
        def __call__(self) -> None: ...

    async def main() -> None:
        value = Value()
        ref = weakref.ref(value)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR2, value.__call__)
        loop.remove_signal_handler(signal.SIGUSR2)
        del value
        assert ref() is None

    with asyncwatch.watch(output=()):
        asyncio.run(main())


def test_a_state_of_a_loop_begins_without_signals() -> None:
    """Nothing is known of signals that were there before us."""
    loop = asyncio.new_event_loop()
    try:
        assert LoopState(loop, 1, Bus(frozenset())).signals == []
        assert env.current_task_getter() is not None
    finally:
        loop.close()
