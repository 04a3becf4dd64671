"""What a suspended task waits for, who waits for it, and whether a timeout would end that: the same on every Python."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from conftest import LOOPS

from asyncwatch.hooks import hearers, reading, timeouts, waiting

Wait = Callable[[], Coroutine[Any, Any, Any]]
LONG = 60


def on_loop(kind: str, coro: Coroutine[Any, Any, Any]) -> Any:
    factory: Any = asyncio.new_event_loop
    if kind == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coro)


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def sleeps() -> None:
    await asyncio.sleep(LONG)


async def takes_lock() -> None:
    lock = asyncio.Lock()
    await lock.acquire()
    async with lock:
        pass


async def takes_place() -> None:
    async with asyncio.Semaphore(0):
        pass


async def hears() -> None:
    await asyncio.Event().wait()


async def conditioned() -> None:
    condition = asyncio.Condition()
    async with condition:
        await condition.wait()


async def gets() -> None:
    await asyncio.Queue[int]().get()


async def puts() -> None:
    queue = asyncio.Queue[int](1)
    await queue.put(1)
    await queue.put(2)


async def joins() -> None:
    queue = asyncio.Queue[int]()
    await queue.put(1)
    await queue.join()


async def at_barrier() -> None:
    await asyncio.Barrier(2).wait()


async def reads() -> None:
    await asyncio.StreamReader().read(1)


async def awaits() -> None:
    await asyncio.ensure_future(never())


async def gathers() -> None:
    await asyncio.gather(never(), never())


async def waits() -> None:
    await asyncio.wait([asyncio.ensure_future(never())])


async def shields() -> None:
    await asyncio.shield(never())


async def groups() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(never())


async def completes() -> None:
    for one in asyncio.as_completed([never()]):
        await one


async def in_thread() -> None:
    await asyncio.to_thread(GATE.wait)


async def in_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, GATE.wait)


async def numbers() -> AsyncIterator[int]:
    yield 1
    await asyncio.Event().wait()


async def iterates() -> None:
    async for _ in numbers():
        pass


GATE = threading.Event()
KINDS = [
    (never, "future"), (sleeps, "sleep"), (takes_lock, "lock"), (takes_place, "semaphore"), (hears, "event"),
    (conditioned, "condition"), (gets, "queue"), (puts, "queue"), (joins, "join"), (at_barrier, "barrier"),
    (reads, "socket"), (awaits, "tasks"), (gathers, "tasks"), (waits, "tasks"), (shields, "tasks"), (groups, "tasks"),
    (completes, "tasks"), (in_thread, "executor"), (in_executor, "executor"), (iterates, "event"),
]  # fmt: skip


async def looked_at(ask: Callable[[Any], Any], way: Wait) -> Any:
    """What `ask` says of a task that has come to its wait."""
    task = asyncio.ensure_future(way())
    try:
        for _ in range(6):
            await asyncio.sleep(0)
        return ask(task)
    finally:
        GATE.set()
        task.cancel()
        for other in asyncio.all_tasks() - {asyncio.current_task()}:
            other.cancel()
        await asyncio.sleep(0)
        GATE.clear()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("way", "kind"), KINDS, ids=[way.__name__ for way, _ in KINDS])
def test_the_kind_of_a_wait(loop: str, way: Wait, kind: str) -> None:
    """Each way to wait has its kind, and its innermost frame is the one that waits."""
    wait = on_loop(loop, looked_at(waiting.wait_of, way))
    assert wait.kind == kind
    assert wait.frames[-1][0].co_name == way.__name__


@pytest.mark.parametrize("way", [awaits, gathers, waits, shields, groups])
def test_who_is_waited_for_and_who_waits(way: Wait) -> None:
    """From the waiting task one comes to those it waits for, and from each of them back to it."""

    def both(task: Any) -> None:
        others = waiting.awaited(task, waiting.wait_of(task))  # type: ignore[arg-type]
        assert others
        for other in others:
            (waiter,) = hearers.waiters(other)
            assert waiter.task is task
            assert waiter.cancels is (way not in (waits, shields))

    asyncio.run(looked_at(both, way))


def test_nothing_is_waited_for_by_a_task_that_is_ready() -> None:
    """A task that only wants its turn has no wait."""

    async def main() -> None:
        task = asyncio.ensure_future(never())
        assert waiting.wait_of(task) is None
        task.cancel()

    asyncio.run(main())


async def limited() -> None:
    async with asyncio.timeout(LONG):
        await never()


async def waits_for() -> None:
    await asyncio.wait_for(never(), LONG)


async def waits_so_long() -> None:
    await asyncio.wait([asyncio.ensure_future(never())], timeout=LONG)


async def limit_without_end() -> None:
    async with asyncio.timeout(None):
        await never()


async def own_timer() -> None:
    class OwnTimeout:
        def __init__(self) -> None:
            self.handle = asyncio.get_running_loop().call_later(LONG, print)

    timeout = OwnTimeout()
    with contextlib.suppress(TimeoutError):
        await never()
    timeout.handle.cancel()


LIMITS = [(limited, True), (waits_for, True), (waits_so_long, True), (limit_without_end, False), (own_timer, True)]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("way", "ends"), [*LIMITS, (never, False), (gathers, False)])
def test_whether_a_timeout_ends_it(loop: str, way: Wait, ends: bool) -> None:
    """A timer in the chain is a way out; none, or one that was given no time, is none."""
    assert on_loop(loop, looked_at(timeouts.is_limited, way)) is ends


@pytest.mark.parametrize("way", [awaits, gathers, groups, waits, shields])
def test_a_timeout_further_out_counts_if_it_reaches(way: Wait) -> None:
    """A timeout around gather, a task group or a task reaches what they wait for; not through wait or shield."""

    async def outer() -> None:
        async with asyncio.timeout(LONG):
            await way()

    def innermost(task: Any) -> bool:
        (other, *_) = waiting.awaited(task, waiting.wait_of(task))  # type: ignore[arg-type]
        return timeouts.is_limited(other)

    assert asyncio.run(looked_at(innermost, outer)) is (way not in (waits, shields))


def test_a_deadline_of_anyios_counts() -> None:
    """A scope with a deadline around the wait ends it; a shielded one within keeps that away."""
    anyio = pytest.importorskip("anyio")

    async def within(shield: bool) -> None:
        with anyio.fail_after(LONG), anyio.CancelScope(shield=shield):
            await anyio.Event().wait()

    assert asyncio.run(looked_at(timeouts.is_limited, lambda: within(False))) is True
    assert asyncio.run(looked_at(timeouts.is_limited, lambda: within(True))) is False


def test_anyios_own_waits_have_their_kinds() -> None:
    """A lock, a limiter and a task group of anyio's are told from the futures and events they are made of."""
    anyio = pytest.importorskip("anyio")

    async def lock() -> None:
        lock = anyio.Lock()
        lock.acquire_nowait()
        async with anyio.create_task_group() as group:
            group.start_soon(lock.acquire)

    async def limiter() -> None:
        limiter = anyio.CapacityLimiter(1)
        await limiter.acquire_on_behalf_of("somebody")
        await limiter.acquire_on_behalf_of("another")

    def of_child(task: Any) -> str:
        (child,) = waiting.awaited(task, waiting.wait_of(task))  # type: ignore[arg-type]
        wait = waiting.wait_of(child)
        return wait.kind if wait else ""

    assert asyncio.run(looked_at(of_child, lock)) == "lock"
    assert asyncio.run(looked_at(waiting.wait_of, limiter)).kind == "semaphore"


def test_a_task_that_runs_awaits_nothing() -> None:
    """Of a task in the middle of its step, as where somebody runs a loop inside it, no more than its coroutine is read:
    what it awaits is garbage on 3.11, wherever it stands."""

    async def reads(times: int) -> None:
        task: Any = asyncio.current_task()
        coro = task.get_coro()
        for number in range(times):
            assert waiting.links(task) == [coro]
            chain = reading.chain_of(task, lambda _: None)
            assert (chain.runs, chain.codes) == (True, [])
            assert reading._next(coro, "cr_await", coro) is None
            await asyncio.sleep(0)
            async with asyncio.Lock():
                assert waiting.links(task) == [coro], number

    async def main() -> None:
        await asyncio.gather(*(reads(200) for _ in range(3)))

    asyncio.run(main())
