"""The default executor: found on every loop, said with its evidence, and left alone."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import gc
import importlib.util
import inspect
import time
import traceback
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

import asyncwatch
from asyncwatch.findings import Finding
from asyncwatch.hooks import executors, pools
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.pulse import Gap

LOOPS: list[Callable[[], Any]] = [asyncio.new_event_loop]
if importlib.util.find_spec("uvloop"):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)
each_loop = pytest.mark.parametrize("factory", LOOPS, ids=lambda factory: factory.__module__)


def block() -> None:
    time.sleep(0.2)


def run(factory: Callable[[], Any], coro: Any) -> tuple[list[Finding], dict[str, Any]]:
    """Run a coroutine on a loop of its own under a watch; what was found, and the totals."""
    with asyncwatch.watch(output=()) as watch, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(coro)
        watch.flush()
    return list(watch.findings), watch.totals()


def small(workers: int = 2) -> asyncio.AbstractEventLoop:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(workers))
    return loop


@each_loop
def test_the_evidence_is_true(factory: Callable[[], Any]) -> None:
    """Wait, numbers of threads and of waiting work, what the threads do and for whom are those of the program."""

    async def main() -> None:
        loop = small()
        files = [loop.run_in_executor(None, block) for _ in range(2)]
        await asyncio.to_thread(time.sleep, 0)
        await asyncio.wait(files)

    (finding,), _ = run(factory, main())
    evidence = finding.evidence
    assert finding.where is not None
    assert (finding.rule.code, finding.level, finding.where.function) == ("AW105", "warning", "main")
    assert 0.1 <= evidence["waited"] <= 0.21
    assert (evidence["workers"], evidence["waiting"], evidence["call"]) == (2, 1, "to_thread")
    assert [(row["function"], row["count"]) for row in evidence["busy"]] == [("block", 2)]
    assert sum(row["count"] for row in evidence["busy_for"]) == 2


def test_names_are_resolved_in_it_too() -> None:
    """On asyncio's own loop a name that waits behind files is found, at the application's line."""

    async def main() -> None:
        loop = small()
        files = [loop.run_in_executor(None, block) for _ in range(2)]
        await loop.getaddrinfo("127.0.0.1", 80)
        await asyncio.wait(files)

    (finding,), _ = run(asyncio.new_event_loop, main())
    assert (finding.evidence["call"], finding.where and finding.where.function) == ("getaddrinfo", "main")


@each_loop
def test_a_place_is_said_once_while_the_pool_stays_full(factory: Callable[[], Any]) -> None:
    """Hundreds of waiting calls from one line are one finding, and it is counted once."""

    async def main() -> None:
        small(4)
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.005) for _ in range(200)))

    (finding,), totals = run(factory, main())
    assert totals["findings"] == {"AW105": 1}
    assert finding.evidence["waiting"] > 50


@pytest.mark.parametrize("when", ["late", "free"])
def test_what_the_machine_does_is_not_said(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that waits while the watcher is late, or while threads are free, is no finding."""
    if when == "late":
        look = executors.Executors.look
        skipped = iter([False] + [True] * 5 + [False] * 10_000)
        since = []

        def late(self: Any, now: float, gap: Gap) -> None:
            if self._lines and next(skipped):
                since.append(gap.since)
            elif since:
                due = since[0] + gap.due - gap.since
                look(self, now, Gap(since[0], due, now, now - due))
                since.clear()
            else:
                look(self, now, gap)

        monkeypatch.setattr(executors.Executors, "look", late)
    else:
        monkeypatch.setattr(executors, "occupation", lambda pool: None)

    async def main() -> None:
        small(1)
        await asyncio.gather(asyncio.to_thread(block), asyncio.to_thread(int))

    findings, totals = run(asyncio.new_event_loop, main())
    assert (findings, totals["findings"]) == ([], {})


@pytest.mark.parametrize(("cause", "late", "counted"), [("stopped", 0.01, 0.01), ("gil", 0.01, 0.0), ("gil", 0.04, 0.04)])
def test_every_wait_for_a_cpu_is_the_machines(cause: str, late: float, counted: float) -> None:
    """However short; a short wait for the GIL is what the threads at work make of it."""
    looks = executors.Executors(Bus(frozenset()), Any, Any, Any)  # type: ignore[arg-type]
    looks.look(10.0, Gap(9.0, 9.025, 9.025 + late, late, cause))
    assert looks.late == counted


def test_another_executor_begins_anew() -> None:
    """What still waits for an executor that was replaced is not blamed on the new one."""

    async def main() -> None:
        loop = small(1)
        old = [loop.run_in_executor(None, block) for _ in range(2)]
        await asyncio.sleep(0.03)
        small(1)
        for _ in range(2):  # the new one's queue is not empty, and nothing in it waits for long
            await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.05) for _ in range(2)))
        await asyncio.wait(old)

    assert run(asyncio.new_event_loop, main())[0] == []


@each_loop
def test_the_default_pool_is_told_from_the_programs(factory: Callable[[], Any]) -> None:
    """The pool is found where each loop keeps it; one that the program hangs on the loop itself is not taken for it."""

    async def main() -> list[Any]:
        loop: Any = asyncio.get_running_loop()
        found = [pools.default_pool(loop)]
        with concurrent.futures.ThreadPoolExecutor(1) as own:
            loop.pool = own
            found.append(pools.default_pool(loop))
            default = concurrent.futures.ThreadPoolExecutor(1)
            loop.set_default_executor(default)
            found.append(pools.default_pool(loop) is default)
            del loop.pool
        return [*found, pools.default_pool(loop) is default]

    with asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(main()) == [None, None, True, True]


def test_a_pool_of_processes_is_no_thread_pool() -> None:
    """A default executor that is not a pool of threads is looked at by nobody, and works."""

    async def main() -> int:
        loop: Any = asyncio.get_running_loop()
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            loop._default_executor = pool  # what set_default_executor() refuses
            found = pools.default_pool(loop)
            loop._default_executor = None
        assert found is None
        loop._default_executor = Odd()
        return await loop.run_in_executor(None, int, "7")

    class Odd(concurrent.futures.Executor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            future: Any = concurrent.futures.Future()
            future.set_result(fn(*args))
            return future

    with asyncwatch.watch(output=()) as watch, asyncio.Runner() as runner:
        assert runner.run(main()) == 7
        runner.get_loop()._default_executor = None  # type: ignore[attr-defined]
    assert not watch.findings


@each_loop
def test_the_call_looks_as_it_did(factory: Callable[[], Any]) -> None:
    """Signature, name, results, keywords, partials and the traceback of a refused call are those without us."""

    def refused(loop: Any, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            loop.run_in_executor(*args, **kwargs)
        except Exception as error:
            frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
            return [type(error).__name__, str(error), frames]
        raise AssertionError("it was not refused")

    async def picture() -> list[Any]:
        loop: Any = asyncio.get_running_loop()
        method = type(loop).run_in_executor
        with concurrent.futures.ThreadPoolExecutor(1) as own:
            results = [
                await loop.run_in_executor(None, functools.partial(int, "11", base=2)),
                await loop.run_in_executor(executor=None, func=int),
                await loop.run_in_executor(own, int, "5"),
            ]
        refusals = [refused(loop), refused(loop, None), refused(loop, own, int), refused(loop, None, int, bad=1)]
        try:
            await asyncio.to_thread(int, "x")
        except ValueError as error:
            results.append([frame.name for frame in traceback.extract_tb(error.__traceback__)])
        try:
            shape = str(inspect.signature(method))
        except ValueError:
            shape = "unknown"
        return [method.__name__, method.__qualname__, shape, results, refusals]

    async def closed(loop: Any) -> list[Any]:
        return refused(loop, None, int)

    def everything() -> list[Any]:
        with asyncio.Runner(loop_factory=factory) as runner:
            found: list[Any] = runner.run(picture())
            loop = factory()
            loop.close()
            return [*found, runner.run(closed(loop))]

    bare = everything()
    with asyncwatch.watch(output=()) as watch:
        assert everything() == bare
    assert not watch.findings


@each_loop
def test_nothing_of_the_work_is_kept(factory: Callable[[], Any]) -> None:
    """Function, argument, result, future and task are gone when they would be, though the call is remembered."""

    class Value:
        def __call__(self, other: Any) -> Any:
            return Value()

    async def main() -> list[Any]:
        loop = small()
        refs = []
        for _ in range(3):
            function, argument = Value(), Value()
            future = loop.run_in_executor(None, function, argument)
            result = await future
            refs += [weakref.ref(one) for one in (function, argument, future, result)]
            task = asyncio.create_task(asyncio.to_thread(function, argument))
            refs.append(weakref.ref(task))
            await task
            del function, argument, future, result, task
        await asyncio.to_thread(int)  # a pool's thread holds its last piece of work until the next
        await asyncio.to_thread(int)
        await asyncio.sleep(0.01)
        return [ref() for ref in refs]

    with asyncwatch.watch(output=()), asyncio.Runner(loop_factory=factory) as runner:
        gc.collect()
        gc.disable()
        try:
            assert not any(runner.run(main()))
        finally:
            gc.enable()


def test_what_the_call_returns_may_be_anything() -> None:
    """A loop whose method returns no future of asyncio's, or one not tied to a pool, is no fault of ours."""
    with asyncwatch.watch(output=()) as watch, asyncio.Runner() as runner:
        loop = runner.get_loop()
        for odd in (mock.MagicMock(), None, 7, loop.create_future()):
            call = watch._hooks._executors.wrap(lambda *_, odd=odd: odd)
            assert call(loop, None, int) is odd
        watch.flush()
    assert not watch.findings


def test_a_forked_child_begins_without_a_memory() -> None:
    """After a fork nothing is known of the parent's work, and work of the child's is found."""

    async def main() -> None:
        small(1)
        await asyncio.to_thread(time.sleep, 0.01)
        hook = watch._hooks._executors
        assert hook._lines
        hook.after_fork()
        assert not hook._lines
        await asyncio.gather(asyncio.to_thread(block), asyncio.to_thread(int))

    with asyncwatch.watch(output=()) as watch, asyncio.Runner() as runner:
        runner.run(main())
        watch.flush()
    assert [finding.rule.code for finding in watch.findings] == ["AW105"]


def test_a_subclass_that_has_its_own_way_is_followed() -> None:
    """A loop class that overrides the method is seen through what it calls, under its caller's line."""

    class Loop(asyncio.SelectorEventLoop):
        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
            return super().run_in_executor(executor, func, *args)

    async def main() -> None:
        small(1)
        await asyncio.gather(asyncio.to_thread(block), asyncio.to_thread(int))

    (finding,), _ = run(Loop, main())
    assert finding.where is not None
    assert finding.where.function == "run_in_executor"


def test_a_task_made_of_asyncios_own_coroutine_has_no_line_above_it() -> None:
    """What runs the loop is not taken for the caller, however the loop is run."""

    async def main() -> None:
        small(1)
        await asyncio.wait([asyncio.create_task(asyncio.to_thread(block)) for _ in range(2)])

    with asyncwatch.watch(output=()) as watch:
        for factory in LOOPS:
            loop = factory()
            loop.run_until_complete(main())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
        watch.flush()
    assert {finding.where.line for finding in watch.findings if finding.where} == {main.__code__.co_firstlineno + 2}
    assert {finding.evidence["line_is"] for finding in watch.findings} == {"created"}
