"""Instruments: added, removed, raising, at any moment; what is replaced for them, and that nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import each_loop, run_python, run_watched

from asyncwatch.hooks.births import POSSIBLE

START = """
import asyncio, gc, inspect, os, signal, sys, threading, time, traceback, weakref
import asyncwatch
from asyncwatch.instrument import HOOKS
if sys.argv[1] == "uvloop":
    import uvloop as loops
else:
    import asyncio as loops

def run(coro):
    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        return runner.run(coro)

def name(thing):
    # A task that ended in its eager step has no coroutine; some Pythons crash when it is asked for.
    ended = hasattr(thing, "done") and thing.done() and not inspect.iscoroutine(held(thing))
    coro = thing.get_coro() if hasattr(thing, "get_coro") and not ended else None
    return coro.__name__ if coro is not None else ""

def held(task):
    return next((one for one in gc.get_referents(task) if inspect.iscoroutine(one)), None)

class Log(asyncwatch.Instrument):
    def __init__(self, *wanted):
        self.seen = []
        for hook in wanted:
            setattr(self, hook, lambda *args, hook=hook: self.seen.append((hook, *map(name, args))))

def eager(loop, coro, **kwargs):
    kwargs.pop("eager_start", None)
    return asyncio.Task(coro, loop=loop, eager_start=True, **kwargs)

async def two_steps():
    await asyncio.sleep(0)

STEPS = ("before_task_step", "after_task_step")
"""


def played(program: Any, text: str, kind: str, **environment: str) -> str:
    """What a program prints."""
    done = run_python(str(program(START + text)), kind, cwd=Path.cwd(), **environment)
    assert done.status == 0, done.err + done.out
    return done.out


@each_loop
def test_an_instrument_that_raises_is_removed_and_the_program_goes_on(program: Any, kind: str) -> None:
    """Whichever hook raises, it is called once, reported once by name, and another instrument hears everything."""
    text = """
class Broken(asyncwatch.Instrument):
    pass

def hook(which):
    def raises(self, *args):
        calls.append(which)
        raise Fault("oops")
    return raises

async def main():
    asyncio.get_running_loop().call_soon(int)
    await asyncio.gather(*(asyncio.create_task(two_steps()) for _ in range(3)))
    return "ended"

for Fault in (ValueError, SystemExit, asyncio.CancelledError):
    for which in HOOKS:
        calls = []
        broken = type("Broken", (asyncwatch.Instrument,), {which: hook(which)})()
        other = Log("task_spawned", "task_exited")
        with asyncwatch.watch(output=(), instruments=[broken, other]) as watch:
            assert run(main()) == "ended"
            watch.flush()
            found = [one.evidence["part"] for one in watch.findings]
            assert len(found) == len(calls) <= 1, (which, found, calls)
            if not calls:
                print("never called:", which)
            else:
                assert found == [f"instrument __main__.Broken.{which}"], found
            counts = [sum(one[0] == kind for one in other.seen) for kind in ("task_spawned", "task_exited")]
            assert counts[0] == counts[1] >= 4, counts
"""
    never = ["before_io_wait", "after_io_wait", "before_callback", "after_callback"] if kind == "uvloop" else []
    assert played(program, text, kind).splitlines() == [f"never called: {hook}" for hook in never] * 3


@each_loop
def test_ctrl_c_inside_a_hook_is_the_programs(program: Any, kind: str) -> None:
    """KeyboardInterrupt in a hook reaches the program, the step it came before is made, the instrument stays; what ends
    the program passes without a line of ours."""
    text = """
steps = []

class Pressed(asyncwatch.Instrument):
    def before_task_step(self, task):
        if name(task) == "child" and not steps:
            raise KeyboardInterrupt

async def child():
    steps.append("made")

async def main():
    task = asyncio.create_task(child())
    await asyncio.sleep(0)
    await task

pressed = Pressed()
with asyncwatch.watch(output=(), instruments=[pressed]) as watch:
    loop = loops.new_event_loop()
    try:
        loop.run_until_complete(main())
    except KeyboardInterrupt:
        print("interrupted", steps)

    async def ends():
        raise SystemExit(3)
    try:
        loop.run_until_complete(ends())
    except SystemExit as error:
        print([entry.name for entry in traceback.extract_tb(error.__traceback__) if "asyncwatch" in entry.filename])
    asyncwatch.remove_instrument(pressed)
    print(watch.findings)
"""
    assert played(program, text, kind) == "interrupted ['made']\n[]\n()\n"


@each_loop
def test_hooks_may_add_and_remove(program: Any, kind: str) -> None:
    """An instrument that removes itself is called no more; one that another adds is called from the next hook on."""
    text = """
class Once(asyncwatch.Instrument):
    count = 0
    def before_task_step(self, task):
        self.count += 1
        asyncwatch.remove_instrument(self)
        asyncwatch.add_instrument(late)

async def main():
    await asyncio.create_task(two_steps())

once, late = Once(), Log(*STEPS)
with asyncwatch.watch(output=()) as watch:
    asyncwatch.add_instrument(once)
    run(main())
    print(once.count, late.seen[:3], watch.findings)
"""
    seen = [("after_task_step", "main"), ("before_task_step", "two_steps"), ("after_task_step", "two_steps")]
    assert played(program, text, kind) == f"1 {seen} ()\n"


@each_loop
def test_the_first_instrument_may_come_in_the_middle_of_a_step(program: Any, kind: str) -> None:
    """It hears of that step's end as in trio, before anything else; on uvloop, which nothing is around, of the next."""
    text = """
async def main():
    log = Log(*STEPS, "before_io_wait")
    asyncwatch.add_instrument(log)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asyncwatch.remove_instrument(log)
    print([hook for hook, *_ in log.seen])

with asyncwatch.watch(output=()):
    run(main())
"""
    waits = ["before_io_wait"] if kind == "asyncio" else []
    first = ["after_task_step"] if kind == "asyncio" else []
    step = [*waits, "before_task_step", "after_task_step"]
    assert played(program, text, kind) == f"{[*first, *step, *waits, 'before_task_step']}\n"


@each_loop
def test_no_task_is_kept(program: Any, kind: str) -> None:
    """A task that is done and dropped is gone as soon as without us, with every hook implemented."""
    text = """
class Idle(asyncwatch.Instrument):
    pass
for hook in HOOKS:
    setattr(Idle, hook, lambda self, *args: None)

async def failed(function):
    task = asyncio.create_task(function())
    await asyncio.wait([task])
    task.exception()
    return weakref.ref(task)

async def fails():
    await two_steps()
    raise ValueError

async def fails_at_once():
    raise ValueError

async def main():
    gc.disable()
    refs = [weakref.ref(asyncio.create_task(two_steps())) for _ in range(3)]
    task = asyncio.create_task(two_steps())
    await task
    refs.append(weakref.ref(task))
    del task
    if hasattr(asyncio, "eager_task_factory"):
        asyncio.get_running_loop().set_task_factory(eager)
        task = asyncio.create_task(two_steps())
        refs.append(weakref.ref(task))
        await task
        del task
        asyncio.get_running_loop().set_task_factory(None)
        await asyncio.sleep(0)
        asyncio.get_running_loop().set_task_factory(eager)
        refs += [await failed(fails), await failed(fails_at_once)]
        asyncio.get_running_loop().set_task_factory(None)
    refs += [await failed(fails), await failed(fails_at_once)]
    await asyncio.sleep(0)
    loop_refs.append(weakref.ref(asyncio.get_running_loop()))
    kept = [number for number, ref in enumerate(refs) if ref() is not None]
    gc.enable()
    return kept

loop_refs = []
bare = run(main())
with asyncwatch.watch(output=(), instruments=[Idle()]) as watch:
    print(run(main()) == bare, len(bare) < 2)  # some Pythons keep an eager task that fails at once
    watch.flush()
    gc.collect()
    print([ref() for ref in loop_refs if ref() is not None], watch.instruments._hooked, watch.findings)
"""
    assert played(program, text, kind) == "True True\n[] {} ()\n"


@each_loop
def test_removing_leaves_nothing(program: Any, kind: str) -> None:
    """When the last instrument is removed, inside the running loop or outside, all is as with a watcher alone."""
    text = """
classes = [asyncio.BaseEventLoop, asyncio.SelectorEventLoop, asyncio.Handle, asyncio.TimerHandle, asyncio.Task]
if sys.argv[1] == "uvloop":
    classes.append(loops.Loop)

def picture(loop=None):
    tools = [sys.monitoring.get_tool(n) for n in range(6)] if hasattr(sys, "monitoring") else []
    selector = getattr(loop, "_selector", None)
    return [dict(vars(cls)) for cls in classes], tools, dict(vars(selector)) if selector else {}, two_steps.__code__.co_code

async def main(log):
    loop = asyncio.get_running_loop()
    asyncwatch.add_instrument(log)
    first = picture(loop)
    if hasattr(asyncio, "eager_task_factory"):
        loop.set_task_factory(eager)
    await asyncio.create_task(two_steps())
    loop.set_task_factory(None)
    asyncwatch.remove_instrument(log)
    second = picture(loop)
    return first, second

bare = picture()
with asyncwatch.watch(output=()) as watch:
    before = picture()
    log = Log(*HOOKS)
    first, second = run(main(log))
    print(first != before, second[:2] == before[:2], "select" in first[2], "select" in second[2], second[3] == before[3])
    asyncwatch.add_instrument(log)
    run(two_steps())
    asyncwatch.remove_instrument(log)
    print(picture() == before)
    asyncwatch.add_instrument(log)
    run(two_steps())
print(picture() == bare)
"""
    waits = kind == "asyncio"
    assert played(program, text, kind) == f"True True {waits} False True\nTrue\nTrue\n"


@each_loop
def test_a_hook_that_nobody_implements_replaces_nothing(program: Any, kind: str) -> None:
    """What is replaced is what the implemented hooks need; an instrument without any, or about the run, needs nothing."""
    text = """
cls = loops.Loop if sys.argv[1] == "uvloop" else asyncio.BaseEventLoop
with asyncwatch.watch(output=()):
    def state():
        owners = ((cls, "call_soon"), (cls, "create_task"), (asyncio.Handle, "_run"))
        return [vars(owner).get(attribute) for owner, attribute in owners]

    async def main():
        now = state()
        return [attribute for attribute, one, two in zip(("call_soon", "create_task", "_run"), before, now) if one is not two]

    before = state()
    for hooks in ((), ("before_run", "after_run"), ("before_io_wait",), ("task_spawned",), STEPS, ("before_callback",)):
        log = Log(*hooks)
        asyncwatch.add_instrument(log)
        print(hooks, run(main()))
        asyncwatch.remove_instrument(log)
        assert state() == before
"""
    tasks = ["call_soon", "create_task"] if POSSIBLE else ["call_soon"]
    handles = ["_run"] if kind == "asyncio" else []
    lines = [
        ((), []),
        (("before_run", "after_run"), []),
        (("before_io_wait",), []),
        (("task_spawned",), tasks),
        (("before_task_step", "after_task_step"), [*tasks, *handles]),
        (("before_callback",), handles),
    ]
    assert played(program, text, kind).splitlines() == [f"{hooks} {replaced}" for hooks, replaced in lines]


@each_loop
def test_each_loop_has_its_own_instruments(program: Any, kind: str) -> None:
    """Added while a loop runs it hears of that loop alone, added outside it hears of all; removed, of none."""
    text = """
own, every = Log("task_exited"), Log("task_exited")

async def with_own():
    asyncwatch.add_instrument(own)
    thread = threading.Thread(target=lambda: run(another()))
    await asyncio.to_thread(lambda: (thread.start(), thread.join()))

async def another():
    await asyncio.create_task(two_steps())

with asyncwatch.watch(output=()):
    asyncwatch.add_instrument(every)
    run(with_own())
    print([one for _, one in own.seen if one in ("with_own", "another", "two_steps")])
    print([one for _, one in every.seen if one in ("with_own", "another", "two_steps")])
    asyncwatch.remove_instrument(every)
    own.seen.clear(), every.seen.clear()
    run(another())
    print(own.seen, every.seen)
"""
    assert played(program, text, kind) == "['with_own']\n['two_steps', 'another', 'with_own']\n[] []\n"


@each_loop
def test_what_cannot_be_added_is_refused_by_name(program: Any, kind: str) -> None:
    """Without a watcher, and for a hook that is a coroutine function, there is one clear error and nothing is left."""
    text = """
class Wrong(asyncwatch.Instrument):
    async def before_task_step(self, task):
        pass

for function in (asyncwatch.add_instrument, asyncwatch.remove_instrument):
    try:
        function(Wrong())
    except RuntimeError as error:
        print(error)
before = vars(asyncio.BaseEventLoop)["create_task"]
for attempt in range(2):
    try:
        if attempt:
            asyncwatch.install(output=(), instruments=[Wrong()])
        else:
            with asyncwatch.watch(output=()):
                asyncwatch.add_instrument(Wrong())
    except TypeError as error:
        print(error)
print(vars(asyncio.BaseEventLoop)["create_task"] is before)
"""
    absent = "no watcher is installed: start the program with python -m asyncwatch, or call asyncwatch.install() first"
    refused = "before_task_step of Wrong is a coroutine function; hooks are called"
    assert played(program, text, kind).splitlines() == [absent, absent, refused, refused, "True"]


@each_loop
def test_a_child_process_goes_on_with_the_instruments(program: Any, kind: str) -> None:
    """After a fork the child's own loops are instrumented, and the parent's go on being so."""
    text = """
log = Log("task_exited")
with asyncwatch.watch(output=()):
    asyncwatch.add_instrument(log)
    run(two_steps())
    child = os.fork()
    log.seen.clear()
    run(two_steps())
    count = len([one for one in log.seen])
    if not child:
        os._exit(0 if count else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), count > 0)
"""
    assert played(program, text, kind) == "0 True\n"


@each_loop
def test_debug_mode_shows_no_line_of_ours(program: Any, kind: str) -> None:
    """Recorded stacks of tasks and handles end at the program's line; a finding's creation line is the program's."""
    text = """
async def fails():
    raise ValueError

async def main():
    loop = asyncio.get_running_loop()
    handle = loop.call_soon(int)
    task = asyncio.create_task(two_steps())
    for one in (handle, task):
        stack = getattr(one, "_source_traceback", None) or ()
        print([entry.name for entry in stack][-1:], [entry for entry in stack if "asyncwatch" in entry.filename])
    await task
    if hasattr(asyncio, "eager_task_factory"):
        loop.set_task_factory(eager)
    asyncio.create_task(fails())
    await asyncio.sleep(0)
    gc.collect()

with asyncwatch.watch(output=(), instruments=[Log(*HOOKS)], ignore=("AW101",)) as watch:
    run(main())
    watch.flush()
    print([(one.rule.code, one.where.function) for one in watch.findings])
"""
    lines = played(program, text, kind, PYTHONASYNCIODEBUG="1").splitlines()
    assert lines[0] == "['main'] []"
    assert lines[1].endswith(" []")
    assert lines[2] == "[('AW204', 'main')]"


@each_loop
def test_the_first_line_says_what_a_loop_cannot_offer(program: Any, tmp_path: Path, kind: str) -> None:
    """AW000 has a row for instruments, and on uvloop it names the hooks that are never called."""
    path = program(START + "run(two_steps())\n")
    watched = run_watched(path, kind, folder=tmp_path)
    row = watched.lines[0]["evidence"]["hooks"]["instruments"]
    silent = [hook for hook in ("before_io_wait", "after_io_wait", "before_callback", "after_callback") if hook in row]
    assert len(silent) == (4 if kind == "uvloop" else 0), row


@pytest.mark.skipif(not POSSIBLE, reason="no eager tasks on this Python")
@each_loop
def test_eager_steps_are_told_when_they_are_made(program: Any, kind: str) -> None:
    """An eager task's step lies inside that of its creator, however deep, also when it raises or never suspends."""
    text = """
async def inner():
    order.append("inner runs")

async def outer():
    order.append("outer runs")
    await asyncio.create_task(inner())
    order.append("outer ends")
    raise ValueError

async def main():
    asyncio.get_running_loop().set_task_factory(eager)
    del order[:]
    task = asyncio.create_task(outer())
    print(*order, sep="\\n")
    del order[:]
    await asyncio.wait([task])
    task.exception()

order = []
class Order(asyncwatch.Instrument):
    pass
for hook in ("task_spawned", "task_scheduled", "before_task_step", "after_task_step", "task_exited"):
    setattr(Order, hook, lambda self, task, hook=hook: order.append(f"{hook} {name(task)}"))
with asyncwatch.watch(output=(), instruments=[Order()]) as watch:
    run(main())
    print(watch.findings)
"""
    assert [line.strip() for line in played(program, text, kind).splitlines()] == [
        "task_spawned outer",
        "before_task_step outer",
        "outer runs",
        "task_spawned inner",
        "before_task_step inner",
        "inner runs",
        "task_exited",  # a task that ended in its eager step has no coroutine any more
        "after_task_step",
        "outer ends",
        "task_exited",
        "after_task_step",
        "()",
    ]


@pytest.mark.skipif(not POSSIBLE, reason="no eager tasks on this Python")
@each_loop
def test_an_eager_task_that_failed_at_once_is_reported(program: Any, kind: str) -> None:
    """It has no coroutine any more, which some Pythons crash for when they are asked: the finding does without."""
    text = """
async def fails():
    raise ValueError

async def main():
    asyncio.get_running_loop().set_task_factory(eager)
    asyncio.create_task(fails())
    await asyncio.sleep(0)
    gc.collect()

with asyncwatch.watch(output=(), ignore=("AW101",)) as watch:
    run(main())
    watch.flush()
    print([(one.rule.code, one.where.function) for one in watch.findings])
"""
    assert played(program, text, kind) == "[('AW204', 'main')]\n"


@pytest.mark.skipif(not POSSIBLE, reason="no eager tasks on this Python")
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_eager_steps_are_told_beside_all_else_that_listens(program: Any, tmp_path: Path, profile: str) -> None:
    """Marked functions and, in debug, the calls of `cancel` are listened to as well: no part takes another's place."""
    text = """
import asyncio, asyncwatch

@asyncwatch.not_in_async
def marked():
    pass

class Steps(asyncwatch.Instrument):
    def task_spawned(self, task):
        seen.append("spawned")
    def before_task_step(self, task):
        seen.append("step")

async def child():
    seen.append("runs")

async def main():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    asyncwatch.add_instrument(Steps())
    del seen[:]
    await asyncio.create_task(child())
    print(seen[:3])

seen = []
asyncio.run(main())
"""
    done = run_watched(program(text), folder=tmp_path, profile=profile, options=["--extend-select", "AW104"])
    assert done.out == "['spawned', 'step', 'runs']\n", done.err
