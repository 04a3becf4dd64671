"""The task tree: every task with what it does, who created it and whom it waits for, asked from any thread."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from conftest import each_loop

import asyncwatch
from asyncwatch.hooks import forest, loans
from asyncwatch.session import Watch
from asyncwatch.task_tree import LoopNode, TaskNode, Tree

PATIENCE = 30.0
Program = Callable[[Watch], Coroutine[Any, Any, Any]]


def new_loop(kind: str) -> Any:
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(kind: str, program: Program) -> Any:
    """Run a program under a watch."""
    with asyncwatch.watch(output=()) as watch, asyncio.Runner(loop_factory=lambda: new_loop(kind)) as runner:
        return runner.run(program(watch))


def every(nodes: tuple[TaskNode, ...]) -> Iterator[TaskNode]:
    for node in nodes:
        yield node
        yield from every(node.children)


def by_name(tree: Tree) -> dict[str, TaskNode]:
    return {node.name: node for loop in tree.loops for node in every(loop.tasks)}


def from_another_thread(look: Callable[[], Any]) -> Any:
    """What `look` returns in a thread of its own, while the calling thread is blocked."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(look()))
    thread.start()
    thread.join(PATIENCE)
    return found[0]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def ends(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# -- states --


async def fails() -> None:
    raise KeyError("not in the tree")


async def takes(lock: asyncio.Lock) -> None:
    async with lock:
        pass


async def yields() -> None:
    while True:
        await asyncio.sleep(0)


async def inner() -> None:
    await asyncio.sleep(60)


async def outer() -> None:
    await inner()


@each_loop
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
def test_each_state(kind: str, elsewhere: bool) -> None:
    """Running, ready, waiting and failed tasks are told apart, with their line, from the loop's thread and another."""

    async def main(watch: Watch) -> Tree:
        lock = asyncio.Lock()
        await lock.acquire()
        tasks = [asyncio.create_task(coro, name=coro.__name__) for coro in (fails(), takes(lock), yields(), outer())]
        await settle()
        fresh = asyncio.create_task(inner(), name="fresh")
        tree: Tree = from_another_thread(watch.tree) if elsewhere else watch.tree()
        await ends(fresh, *tasks)
        return tree

    found = by_name(run(kind, main))
    names = {name: (node.state, node.waits_for) for name, node in found.items() if name[:5] != "Task-"}
    assert names == {
        "fails": ("failed", None),
        "takes": ("waiting", "lock"),
        "yields": ("ready", None),
        "outer": ("waiting", "sleep"),
        "fresh": ("ready", None),
    }
    root = next(node for name, node in found.items() if name[:5] == "Task-")
    assert (root.state, root.where and root.where.function) == (
        "running",
        "from_another_thread" if elsewhere else "main",
    )
    assert [frame.function for frame in found["outer"].stack] == ["outer", "inner", "sleep"]
    assert found["outer"].where == found["outer"].stack[1]
    assert found["fails"].exception == "KeyError"
    assert found["fails"].where is not None
    assert found["fails"].where.function == "fails"
    assert found["fresh"].created[-1].function == "main"
    assert all(node.age is not None and 0 <= node.age < PATIENCE for node in found.values())


@each_loop
def test_nothing_is_said_of_a_value(kind: str) -> None:
    """Neither arguments nor texts of exceptions are in the tree, and it is plain data that JSON can carry."""

    async def main(watch: Watch) -> Tree:
        task = asyncio.create_task(fails(), name="fails")
        await settle()
        tree = watch.tree()
        await ends(task)
        return tree

    tree = run(kind, main)
    text = json.dumps(tree.to_dict())
    assert "KeyError" in text
    assert "not in the tree" not in text
    assert json.loads(text)["count"] == 2


@each_loop
def test_asking_for_the_tree_is_not_asking_for_the_exception(kind: str) -> None:
    """A failed task that was in a tree is still reported as one whose exception nobody asked for."""

    async def main(watch: Watch) -> None:
        task = asyncio.create_task(fails())
        await settle()
        watch.tree()
        from_another_thread(watch.tree)
        await settle()
        del task
        await settle()

    with asyncwatch.watch(output=()) as watch, asyncio.Runner(loop_factory=lambda: new_loop(kind)) as runner:
        runner.run(main(watch))
        watch.flush()
        assert [finding.rule.code for finding in watch.findings].count("AW204") == 1


# -- parents, loops, waiting --


@each_loop
def test_children_stand_below_their_parent(kind: str) -> None:
    """A task stands below the task that created it, however deep; below a parent that is gone, its name only."""

    async def child() -> None:
        await asyncio.sleep(60)

    async def parent() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child(), name="child 1")
            group.create_task(child(), name="child 2")

    async def leaves(kept: list[Any]) -> None:
        kept.append(asyncio.create_task(child(), name="left"))

    async def main(watch: Watch) -> Tree:
        kept: list[Any] = []
        task = asyncio.create_task(parent(), name="parent")
        await asyncio.create_task(leaves(kept), name="leaves")
        await settle()
        gc.collect()
        tree = watch.tree()
        await ends(task, *kept)
        return tree

    tree = run(kind, main)
    (loop,) = tree.loops
    assert [root.state for root in loop.tasks] == ["running", "gone"]
    assert loop.count == 5
    root, gone = loop.tasks
    (above,) = root.children
    assert (above.name, above.parent) == ("parent", root.name)
    assert [node.name for node in above.children] == ["child 1", "child 2"]
    assert [node.parent for node in above.children] == ["parent", "parent"]
    assert (gone.name, [node.name for node in gone.children]) == ("leaves", ["left"])
    assert {link.name for link in above.awaits} == {"child 1", "child 2"}


@each_loop
def test_who_waits_for_whom(kind: str) -> None:
    """A task that awaits others, directly, by gather, wait, shield or wait_for, names them; one that waits for itself none."""

    async def child() -> None:
        await asyncio.sleep(60)

    async def main(watch: Watch) -> dict[str, TaskNode]:
        new = asyncio.create_task
        kids = {name: new(child(), name=name) for name in ("a", "b", "c", "d", "e", "f")}

        async def awaits() -> None:
            await kids["a"]

        async def gathers() -> None:
            await asyncio.gather(kids["b"], kids["c"])

        async def waits() -> None:
            await asyncio.wait([kids["d"]])

        async def shields() -> None:
            await asyncio.shield(kids["e"])

        async def limits() -> None:
            await asyncio.wait_for(kids["f"], 60)

        tasks = [new(one(), name=one.__name__) for one in (awaits, gathers, waits, shields, limits)]
        await settle()
        found = by_name(from_another_thread(watch.tree))
        await ends(*tasks, *kids.values())
        return found

    found = run(kind, main)
    links = {name: sorted(link.name for link in node.awaits) for name, node in found.items() if node.awaits}
    assert links == {"awaits": ["a"], "gathers": ["b", "c"], "waits": ["d"], "shields": ["e"], "limits": ["f"]}


@each_loop
def test_each_loop_has_its_own_tasks(kind: str) -> None:
    """Two loops in two threads are two groups, each with the thread's name and its tasks."""
    ready, over = threading.Event(), threading.Event()

    async def other() -> None:
        ready.set()
        while not over.is_set():
            await asyncio.sleep(0.001)

    def runs() -> None:
        with asyncio.Runner(loop_factory=lambda: new_loop(kind)) as runner:
            runner.run(other())

    async def main(watch: Watch) -> Tree:
        thread = threading.Thread(target=runs, name="second")
        thread.start()
        ready.wait(PATIENCE)
        tree = watch.tree()
        over.set()
        thread.join(PATIENCE)
        return tree

    tree = run(kind, main)
    assert [(loop.thread, loop.count, loop.running) for loop in tree.loops] == [
        ("MainThread", 1, True),
        ("second", 1, True),
    ]
    assert [loop.tasks[0].coro.rpartition(".")[2] for loop in tree.loops] == ["main", "other"]


@each_loop
def test_tasks_from_before_our_time(kind: str) -> None:
    """A task that was created before the watch began is there, without age and creation site."""

    async def main() -> TaskNode:
        early = asyncio.create_task(inner(), name="early")
        await settle()
        with asyncwatch.watch(output=()) as watch:
            found = by_name(from_another_thread(watch.tree))["early"]
            assert by_name(watch.tree())["early"].state == "waiting"
        await ends(early)
        return found

    with asyncio.Runner(loop_factory=lambda: new_loop(kind)) as runner:
        node = runner.run(main())
    assert (node.state, node.waits_for, node.age, node.created) == ("waiting", "sleep", None, ())


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="no eager tasks")
def test_an_eager_step_and_the_task_around_it() -> None:
    """The eager first step of a task runs, and so does the task that started it; each has its own line."""

    async def main(watch: Watch) -> dict[str, TaskNode]:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)

        async def eager() -> Tree:
            tree: Tree = from_another_thread(watch.tree)
            return tree

        tree = await asyncio.create_task(eager())
        return {node.coro.rpartition(".")[2]: node for node in by_name(tree).values()}

    found = run("asyncio", main)
    assert {name: node.state for name, node in found.items()} == {"main": "running", "eager": "running"}
    assert found["eager"].stack[0].function == "eager"
    assert found["main"].stack[0].function == "main"


# -- blocked loops --


def in_python() -> None:
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass


def in_native_code() -> None:
    held = threading.Lock()
    held.acquire()
    held.acquire(timeout=0.5)


@each_loop
@pytest.mark.parametrize("block", [lambda: time.sleep(0.5), in_native_code, in_python], ids=["sleep", "lock", "python"])
def test_while_the_loop_is_blocked(kind: str, block: Callable[[], None]) -> None:
    """A blocked loop's tree is had while it is blocked: the blocking task with its line, the others as they stand."""

    async def main(watch: Watch) -> dict[str, TaskNode]:
        found: list[Any] = []
        blocked = threading.Event()

        def look() -> None:
            blocked.wait(PATIENCE)
            found.append(watch.tree())

        async def blocks() -> None:
            blocked.set()
            while not found:
                block()

        waiting = asyncio.create_task(outer(), name="waits")
        await settle()
        thread = threading.Thread(target=look)
        thread.start()
        await asyncio.create_task(blocks(), name="blocks")
        await ends(waiting)
        thread.join(PATIENCE)
        return by_name(found[0])

    found = run(kind, main)
    assert found["blocks"].state == "running"
    assert found["blocks"].stack[0].function == "blocks"
    assert found["waits"].state == "waiting"


@each_loop
def test_a_callback_that_blocks_is_said_of_the_loop(kind: str) -> None:
    """When no task but a plain callback holds the loop, its line is the loop's."""

    async def main(watch: Watch) -> LoopNode:
        found: list[Any] = []

        def callback() -> None:
            found.append(from_another_thread(watch.tree))

        asyncio.get_running_loop().call_soon(callback)
        await settle()
        return found[0].loops[0]  # type: ignore[no-any-return]

    loop = run(kind, main)
    assert "callback" in [frame.function for frame in loop.stack]
    assert {node.state for node in loop.tasks} == {"ready"}


@each_loop
def test_a_loop_that_waits_is_in_no_callback(kind: str) -> None:
    """A loop with nothing to do stands in its selector, which nobody has called back."""

    async def main(watch: Watch) -> set[str]:
        found: set[str] = set()
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def look() -> None:
            for _ in range(50):
                found.update(frame.function for node in watch.tree().loops for frame in node.stack)
            loop.call_soon_threadsafe(over.set)

        thread = threading.Thread(target=look)
        thread.start()
        await over.wait()
        await asyncio.to_thread(thread.join)
        return found

    assert "select" not in run(kind, main)


# -- what is borrowed is given back --


class Value:
    """Something that says in which thread it died."""

    def __init__(self, died: list[int]) -> None:
        weakref.finalize(self, lambda: died.append(threading.get_ident()))


@each_loop
def test_what_dies_dies_on_its_own_loop(kind: str) -> None:
    """Tasks that end while other threads look at them without pause are destroyed in the loop's thread, all of them."""

    async def main(watch: Watch) -> tuple[list[int], list[weakref.ref[Any]], int]:
        died: list[int] = []
        refs: list[weakref.ref[Any]] = []
        over = threading.Event()
        faults: list[BaseException] = []
        looks = [0]

        def look() -> None:
            while not over.is_set():
                try:
                    watch.tree()
                    looks[0] += 1
                except BaseException as error:
                    faults.append(error)

        async def work(depth: int, value: Value) -> None:
            if depth:
                await work(depth - 1, value)
            await asyncio.sleep(0)

        thread = threading.Thread(target=look)
        thread.start()
        rounds = 0
        while looks[0] < 20 or rounds < 20:
            rounds += 1
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    task = group.create_task(work(3, Value(died)))
                    weakref.finalize(task, lambda: died.append(threading.get_ident()))
                    refs.append(weakref.ref(task))
                    del task
            await asyncio.sleep(0)
        over.set()
        await asyncio.to_thread(thread.join)
        await settle()
        gc.collect()
        assert not faults
        return died, refs, rounds

    died, refs, rounds = run(kind, main)
    assert [ref() for ref in refs if ref() is not None] == []
    assert len(died) == 40 * rounds
    assert set(died) == {threading.get_ident()}


@each_loop
def test_a_blocked_loop_takes_back_when_it_turns(kind: str) -> None:
    """What was looked at while the loop was blocked is free as soon as the loop turns again."""

    async def main(watch: Watch) -> list[Any]:
        task = asyncio.create_task(outer())
        await settle()
        ref = weakref.ref(task)
        for _ in range(10):
            from_another_thread(watch.tree)
        await ends(task)
        del task
        await settle()
        return [ref()]

    assert run(kind, main) == [None]


def test_a_closed_loop_and_one_that_stands() -> None:
    """Tasks of loops that are closed or not running are shown, and held no longer than the call."""
    with asyncwatch.watch(output=()) as watch:
        loop = asyncio.new_event_loop()
        task = loop.create_task(inner(), name="stands")
        loop.run_until_complete(asyncio.sleep(0))
        assert by_name(watch.tree())["stands"].state == "waiting"
        loop.close()
        assert by_name(watch.tree())["stands"].state == "waiting"
        assert by_name(from_another_thread(watch.tree))["stands"].state == "waiting"
        ref = weakref.ref(task)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        del task
        gc.collect()
        assert ref() is None


def test_a_loop_that_does_not_turn_is_asked_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a blocked loop owes too many references its tasks are left out, counted, and that is said."""
    monkeypatch.setattr(forest, "MOST_LENT", 10)

    async def main(watch: Watch) -> tuple[list[Tree], Tree]:
        task = asyncio.create_task(outer())
        await settle()
        trees = [from_another_thread(watch.tree) for _ in range(20)]
        await settle()
        after = from_another_thread(watch.tree)
        await ends(task)
        return trees, after

    trees, after = run("asyncio", main)
    assert trees[-1].loops[0].note == forest.OWES
    assert trees[-1].left_out == 2
    assert (after.loops[0].note, after.left_out) == ("", 0)


# -- bounds --


def test_more_tasks_than_are_shown_are_counted() -> None:
    """Of more tasks than there is room for the rest is counted, and the text says so."""

    async def main(watch: Watch) -> Tree:
        tasks = [asyncio.create_task(inner()) for _ in range(30)]
        await settle()
        tree = watch._hooks.forest.tree(most=10)
        await ends(*tasks)
        return tree

    tree = run("asyncio", main)
    assert tree.loops[0].count == 10
    assert tree.left_out >= 21
    assert f"up to {tree.left_out} more tasks are not shown" in str(tree)


def test_a_thousand_generations() -> None:
    """Tasks that each created the next are all there, nested no deeper than JSON and the eye can follow."""

    async def generation(number: int, tasks: list[Any]) -> None:
        if number:
            tasks.append(asyncio.create_task(generation(number - 1, tasks)))
        await asyncio.sleep(60)

    async def main(watch: Watch) -> Tree:
        tasks: list[Any] = []
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(generation(1_000, tasks)))
        while len(tasks) <= 1_000:
            await asyncio.sleep(0)
        tree = watch.tree()
        await ends(*tasks)
        return tree

    tree = run("asyncio", main)
    assert tree.loops[0].count == len(list(every(tree.loops[0].tasks))) == 1_002
    assert json.dumps(tree.to_dict())
    assert max(map(len, str(tree).splitlines())) < 400


def test_a_task_that_is_none_is_nobodys_trouble() -> None:
    """Whatever a task factory makes of a coroutine, the tree of the others is there."""

    class Strange(asyncio.Future[Any]):
        def __init__(self, coro: Any, loop: Any) -> None:
            coro.close()
            super().__init__(loop=loop)

        def get_name(self) -> str:
            raise ZeroDivisionError

        def set_name(self, name: object) -> None:
            pass

        get_loop = None  # type: ignore[assignment]

    async def main(watch: Watch) -> Tree:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **kwargs: Strange(coro, loop))  # type: ignore[arg-type,return-value]
        strange = loop.create_task(inner())
        loop.set_task_factory(None)
        tree = watch.tree()
        del strange
        return tree

    tree = run("asyncio", main)
    assert tree.loops[0].count == 1


def test_the_lender_keeps_nothing_that_was_taken_back() -> None:
    """Lists that their loops have emptied are forgotten."""

    async def main(watch: Watch) -> loans.Lender:
        for _ in range(5):
            await asyncio.to_thread(watch.tree)
            await settle()
        return watch._hooks.forest._lender

    lender = run("asyncio", main)
    assert not lender._late
    assert sum(map(len, (things for lists in lender._out.values() for things in lists))) == 0
