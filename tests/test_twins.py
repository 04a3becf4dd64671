"""What is compiled does what its Python twin does: the same records, the same face, nothing kept, nothing broken."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from conftest import COMPILED, PURE, Run, each_loop, run_python
from test_guest_manners import ALIVE, BREAK, PROGRAM, START, lines_of, outcome, run_program

import asyncwatch

TWINS = ["python", pytest.param("c", marks=pytest.mark.skipif(not COMPILED, reason="not compiled here"))]
each_twin = pytest.mark.parametrize("twin", TWINS)
needs_both = pytest.mark.skipif(not COMPILED, reason="not compiled here")

WATCHED = """
import asyncwatch, functools, inspect, traceback, types, copy, pickle
from unittest import mock
watch = asyncwatch.install(output=())
ledger = watch._hooks.ledger

def told(task):
    facts = ledger.facts(task)
    record = ledger.record_of(task)
    frames = [(code.co_name, next(line for start, end, line in code.co_lines() if start <= lasti < end)) for code, lasti in facts.created]
    site = record and record.site
    print(facts.coro, frames, facts.parent and facts.parent.coro, site and (site.plain, site.discards), record is not None)
"""

WAYS = """
exec(compile('''
def through(depth, call):
    return through(depth - 1, call) if depth else call()
''', "/somewhere/site-packages/library.py", "exec"))

async def nothing():
    pass

async def parent():
    told(asyncio.current_task())
    for _ in range(2):
        told(asyncio.create_task(nothing()))
        told(asyncio.create_task(nothing(), name="named"))
        told(asyncio.get_running_loop().create_task(nothing()))
        told(asyncio.get_running_loop().create_task(nothing(), name=None))
        told(asyncio.get_running_loop().create_task(coro=nothing()))
        told(asyncio.ensure_future(nothing()))
        told(through(5, lambda: asyncio.create_task(nothing())))
        told((lambda: asyncio.create_task(nothing()))())
        make = functools.partial(asyncio.get_running_loop().create_task, nothing())
        told(make())
        told(next(map(asyncio.create_task, [nothing()])))
        told(eval("asyncio.create_task(nothing())"))
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            told(group.create_task(nothing()))
    import contextvars
    told(asyncio.create_task(nothing(), context=contextvars.copy_context()))
    asyncio.get_running_loop().call_soon(lambda: told(asyncio.create_task(nothing())))
    await asyncio.gather(nothing(), asyncio.create_task(nothing()))
    await asyncio.wait_for(nothing(), 5)
    await asyncio.sleep(0)

async def children():
    for _ in range(2):
        told(asyncio.create_task(nothing()))
        for task in [asyncio.ensure_future(coro) for coro in (nothing(), nothing())]:
            told(task)
        await asyncio.gather(*map(asyncio.create_task, [nothing()]))
        await asyncio.sleep(0)
    own = ledger.parents[id(asyncio.current_task())]
    print(own.root, own.name[:20], len(own.name), own.coro, own.module)

class Odd(asyncio.Task):
    def get_name(self):
        return 1 / 0

class Wrapped:
    def __init__(self, coro):
        self.coro = coro
        self.cr_frame = coro.cr_frame
    def __await__(self):
        return self.coro.__await__()
    def __getattr__(self, name):
        return getattr(self.coro, name)

async def parents(loop):
    namesless = types.FunctionType(children.__code__, {**globals(), "__name__": None})
    await loop.create_task(children(), name="long" * 100)
    await loop.create_task(namesless())
    await Odd(children(), loop=loop)
    await asyncio.wait_for(children(), 5)
    async with asyncio.timeout(5):
        await asyncio.gather(children(), loop.create_task(children()))
    import collections.abc
    collections.abc.Coroutine.register(Wrapped)
    try:
        await loop.create_task(Wrapped(children()))
    except TypeError as error:
        print(error)

def factories(loop):
    class Fancy(asyncio.Task):
        pass
    yield lambda loop, coro, **options: Fancy(coro, loop=loop, **options)
    yield lambda loop, coro, **options: coro.close()
    yield lambda loop, coro, **options: (coro.close(), mock.Mock())[1]
    yield lambda loop, coro, **options: (coro.close(), mock.MagicMock(_source_traceback=1))[1]
    yield lambda loop, coro, **options: (coro.close(), loop.create_future())[1]
    yield lambda loop, coro, **options: (coro.close(), types.SimpleNamespace(_source_traceback=None))[1]
    yield lambda loop, coro, **options: (coro.close(), 1 / 0)
    if hasattr(asyncio, "eager_task_factory"):
        yield asyncio.eager_task_factory
    yield None

async def main():
    await asyncio.create_task(parent())
    loop = asyncio.get_running_loop()
    await parents(loop)
    for factory in factories(loop):
        loop.set_task_factory(factory)
        try:
            made = loop.create_task(nothing())
            print(type(made).__name__)
            if isinstance(made, asyncio.Task):
                told(made)
                await made
        except (ZeroDivisionError, TypeError, AttributeError):  # of some results asyncio or uvloop want more
            print([entry.name for entry in traceback.extract_tb(sys.exc_info()[2])])
        loop.set_task_factory(None)
    ledger.records.clear()  # at its address there may have been another
    unwatched = asyncio.Task(nothing())
    told(unwatched)
    await unwatched

run(main())
class Own(type(new_loop())):
    def create_task(self, coro, **options):
        return super().create_task(coro, **options)
loop = Own()
loop.run_until_complete(parent())
loop.close()
print(watch._bus.broken)
"""


def run_twin(program: Any, text: str, kind: str, twin: str, *args: str, **more: str) -> Run:
    """A program with a watch of this twin in it."""
    path = program(START + text)
    return run_python(str(path), *args, kind, cwd=path.parent, **PURE[twin], **more)


def run_both(program: Any, text: str, kind: str) -> str:
    """What a program with a watch in it prints under each twin: the same, and it ends well."""
    python, c = (run_twin(program, WATCHED + text, kind, twin) for twin in ("python", "c"))
    assert outcome(c) == outcome(python), c.err
    assert python.status == 0, python.err
    return python.out


@needs_both
@each_loop
def test_both_remember_the_same(program: Any, kind: str) -> None:
    """Whatever way a task is made and whatever makes it: both twins know its place and its parent alike, and break on none."""
    out = run_both(program, WAYS, kind)
    assert out.count("parent") > 20


SWEPT = """
async def idle():
    await asyncio.sleep(60)

async def nothing():
    pass

async def deaf():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if len(codes) > 1:
                return

codes = []

async def main():
    loop = asyncio.get_running_loop()
    kept = [asyncio.create_task(idle()) for _ in range(2500)]
    done = [asyncio.create_task(nothing()) for _ in range(50)]
    for _ in range(20):
        asyncio.create_task(nothing())
    asked = asyncio.create_task(deaf())
    await asyncio.sleep(0.05)
    asked.cancel()
    sweeper = next(iter(watch._hooks.loops)).work
    for wanted in range(3):
        await asyncio.sleep(0.6)
        started = sweeper._started
        while sweeper._walk.left or sweeper._started == started:
            await asyncio.sleep(0.01)
            sweeper(loop)
        print(sweeper._met, len(ledger.records), len(sweeper._cancels._asked), ledger.brief, sweeper.said)
    watch.flush()
    print([(finding.rule.code, finding.level) for finding in watch.findings if finding.rule.code > "AW001"])
    codes.extend("ab")
    asked.cancel()
    for task in kept:
        task.cancel()
    await asyncio.wait([asked, *kept])
    del kept, task
    gc.collect()
    await asyncio.sleep(0.3)
    while sweeper._walk.left or len(ledger.records) > 10:
        await asyncio.sleep(0.01)
        sweeper(loop)
    print("swept")

run(main())
print(watch._bus.broken)
"""


@needs_both
@each_loop
def test_both_sweep_alike(program: Any, kind: str) -> None:
    """Of the same tasks, young and old, ended, gone and deaf, both twins meet and drop as many, and judge the deaf one."""
    out = run_both(program, SWEPT, kind)
    assert "('AW209', 'warning')" in out
    assert "swept" in out


FACE = """
create_task = type(loop := new_loop()).create_task
assert create_task.__wrapped__ in [ledger.originals[create_task]]
print(create_task.__name__, create_task.__qualname__, create_task.__module__, create_task.__doc__)
print(inspect.signature(create_task), inspect.signature(loop.create_task), callable(create_task))
print(inspect.isroutine(create_task), inspect.ismethod(loop.create_task), loop.create_task.__func__ is create_task)
print(loop.create_task.__self__ is loop, loop.create_task == loop.create_task, hasattr(create_task, "__get__"))
print(create_task.__get__(None, type(loop)) is create_task, repr(create_task).split(" at ")[0])
create_task.mark = 1
print(create_task.mark, vars(create_task)["mark"], copy.copy(create_task) is create_task)
if "uvloop" not in sys.argv:
    print(pickle.loads(pickle.dumps(create_task)) is create_task)
for wrong in (lambda: create_task(), lambda: loop.create_task(), lambda: loop.create_task(1, 2, 3), lambda: loop.create_task(wrong=1)):
    try:
        wrong()
    except TypeError as error:
        print("refused", [entry.name for entry in traceback.extract_tb(error.__traceback__)][:2])
loop.close()
ref = weakref.ref(create_task)
del create_task
print(watch.uninstall(), hasattr(type(loop).create_task, "__wrapped__"))
gc.collect()
"""


@needs_both
@each_loop
def test_both_have_the_same_face(program: Any, kind: str) -> None:
    """Name, words, signature, binding, attributes, copies and refusals are those of the Python function."""
    run_both(program, FACE, kind)


COUNTS = """
async def nothing():
    pass

async def main():
    loop = asyncio.get_running_loop()
    coro = nothing()
    task = loop.create_task(coro, name="one")
    print(sys.getrefcount(task), sys.getrefcount(coro))
    await task
    print(sys.getrefcount(task), sys.getrefcount(coro))
    del task, coro
    counted = loop, nothing, nothing.__code__, asyncio.current_task(), type(loop).create_task
    await asyncio.gather(*[loop.create_task(nothing()) for _ in range(50)])
    before = [sys.getrefcount(one) for one in counted]
    for _ in range(50):
        await asyncio.gather(*[loop.create_task(nothing()) for _ in range(50)])
        for wrong in (1, None, nothing):
            try:
                loop.create_task(wrong)
            except (TypeError, AttributeError):
                pass
    error = None
    after = [sys.getrefcount(one) for one in counted]
    print([abs(now - then) < 40 for now, then in zip(after, before)], len(gc.garbage))

gc.disable()
run(main())
"""


@each_twin
@each_loop
def test_no_reference_is_left(program: Any, kind: str, twin: str) -> None:
    """With each twin a task, its coroutine and its loop have the references that they have without us."""
    bare = run_program(program, COUNTS, kind)
    assert bare.status == 0, bare.err
    install = "import asyncwatch\nwatch = asyncwatch.install(output=())\n"
    assert outcome(run_twin(program, install + COUNTS, kind, twin)) == outcome(bare)
    alive = run_program(program, ALIVE, kind)
    assert outcome(run_twin(program, install + ALIVE, kind, twin)) == outcome(alive)


@each_twin
@each_loop
@pytest.mark.parametrize("target", ["sites.Sites.find", "tasks.Ledger.parent", "frames.Scope.is_app"])
def test_each_breaks_alone(program: Any, tmp_path: Path, kind: str, twin: str, target: str) -> None:
    """What the twin calls may raise: the program behaves as without us, and it is said once."""
    out = tmp_path / "out"
    bare = run_program(program, PROGRAM, kind)
    broken = run_twin(program, BREAK.format(target=target) + PROGRAM, kind, twin, str(out))
    assert outcome(broken) == outcome(bare), broken.err
    faults = [line["evidence"]["part"] for line in lines_of(out) if line["code"] == "AW001"]
    assert len(faults) == len(set(faults)) > 0


HOSTILE = """
class Loop(asyncio.SelectorEventLoop):
    def __hash__(self):
        if armed:
            raise ValueError("hash")
        return id(self)
    def __eq__(self, other):
        if armed:
            raise ValueError("eq")
        return self is other
    def get_debug(self):
        return False

class Strange(asyncio.Task):
    @property
    def _source_traceback(self):
        raise KeyError("strange")

class Again:
    def __del__(self):
        made.append(asyncio.get_running_loop().create_task(nothing()))

async def nothing():
    pass

async def main():
    loop = asyncio.get_running_loop()
    for _ in range(200):
        cycle = [Again()]
        cycle.append(cycle)
        del cycle
        made.append(asyncio.create_task(nothing()))
        if len(made) % 10 == 0:
            gc.collect()  # here, and not in whatever thread has made the most objects
    loop.set_task_factory(lambda loop, coro, **options: Strange(coro, loop=loop, **options))
    made.append(loop.create_task(nothing()))
    loop.set_task_factory(None)
    await asyncio.sleep(0)
    return len(made)

made, armed = [], False
gc.disable()
loop = Loop()
print(loop.run_until_complete(main()))
armed = True
coro = nothing()
try:
    loop.create_task(coro)
except ValueError as error:
    print("the program's own", error)
armed = False
coro.close()
loop.run_until_complete(asyncio.sleep(0))
made.clear()

class Late:
    def __del__(self):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(nothing())
        loop.close()
        print("late")
sys.late = Late()
import atexit
atexit.register(lambda: run(nothing()))
"""


@each_twin
def test_a_hostile_program_gets_what_it_gets_without_us(program: Any, twin: str) -> None:
    """Loops that cannot be hashed, tasks that raise when looked at, tasks made by finalizers and at the very end: no crash."""
    bare = run_program(program, HOSTILE, "asyncio")
    install = "import asyncwatch\nwatch = asyncwatch.install(output=())\n"
    watched = run_twin(program, install + HOSTILE, "asyncio", twin)
    assert outcome(watched) == outcome(bare), watched.err


def test_another_interpreter_of_the_process_has_the_python_twin(program: Any) -> None:
    """A subinterpreter is watched by Python's twin: what is compiled is for the main one."""
    text = """
import asyncwatch.hooks.twins
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = "import sys; sys.path[:] = " + repr(sys.path) + "\\n" + '''
from asyncwatch.hooks import twins
print(twins.COMPILED, twins.WHY_NOT, flush=True)
'''
one = interpreters.create()
failed = interpreters.run_string(one, code)
print(failed and failed.formatted)
interpreters.destroy(one)
"""
    done = run_program(program, text, "asyncio")
    assert done.out.startswith("None "), done.err
    assert "nothing was compiled" not in done.out or not COMPILED


@each_twin
def test_the_doctor_says_which_twin_runs(twin: str) -> None:
    """`asyncwatch doctor` says whether what is compiled runs, and why it does not."""
    done = run_python("-m", "asyncwatch", "doctor", cwd=Path.cwd(), **PURE[twin])
    (line,) = (line for line in done.out.splitlines() if line.startswith("compiled "))
    assert line.split()[1].strip(",") == {"python": "no", "c": "yes"}[twin]
    assert ("ASYNCWATCH_PURE is set" in line) == (twin == "python")


def test_what_another_source_made_is_not_used(tmp_path: Path) -> None:
    """A compiled file of another version, or one that cannot be loaded, leaves the Python twin and a reason."""
    text = """
import sys, types
import asyncwatch.hooks
stale = types.ModuleType("asyncwatch.hooks._record")
stale.INTERFACE = -1
asyncwatch.hooks._record = sys.modules["asyncwatch.hooks._record"] = stale
from asyncwatch.hooks import twins
print(twins.COMPILED, twins.WHY_NOT)
"""
    done = run_python("-c", text, cwd=tmp_path, **PURE["c"])
    assert done.out.startswith("None what was compiled is another version's"), done.err


@pytest.mark.usefixtures("twin")
def test_what_is_gone_is_dropped_and_counted() -> None:
    """A sweep forgets the tasks that are gone, with each twin, counts those that were thrown away, and keeps the rest."""

    async def nothing() -> None:
        pass

    async def parent() -> None:
        await asyncio.gather(nothing(), nothing())

    async def main() -> tuple[int, int]:
        kept = [asyncio.create_task(asyncio.sleep(60)) for _ in range(3)]
        for _ in range(700):
            asyncio.create_task(nothing())  # noqa: RUF006
        tasks = [asyncio.create_task(parent()) for _ in range(700)]
        await asyncio.gather(*tasks)
        del tasks
        ledger = watch._hooks.ledger
        for _ in range(200):
            await asyncio.sleep(0.05)
            if len(ledger.records) == 4 and len(ledger.parents) == 1:
                break
        for task in kept:
            task.cancel()
        return len(ledger.records), len(ledger.parents)

    with asyncwatch.watch(output=()) as watch:
        assert asyncio.run(main()) == (4, 1)
        assert 0 < watch.totals()["tasks_dropped_that_ended_soon"] <= 700  # one at the address of another counts once
        assert not watch._bus.broken



GENERATORS = """
async def numbers():
    yield 1
    yield 2

async def later():
    async for number in numbers():
        return number

exec(compile('''
async def first(generator):
    async for one in generator:
        return one
''', "/somewhere/site-packages/library.py", "exec"))

async def main():
    for _ in range(3):
        async for number in numbers():
            break
        await later()
        await first(numbers())
        try:
            numbers().__aiter__().__anext__().throw(KeyError)
        except KeyError:
            pass
        gc.collect()
        await asyncio.sleep(0)
    keep.append(numbers())
    print(sys.getrefcount(keep[0]), await anext(keep[0]), sys.getrefcount(keep[0]))
    hook = type(asyncio.get_running_loop())._asyncgen_firstiter_hook
    print(hook.__name__, hook.__qualname__, inspect.signature(hook), sys.get_asyncgen_hooks().firstiter.__self__ is asyncio.get_running_loop())

keep = []
with asyncio.Runner(loop_factory=new_loop) as runner:
    runner.run(main())
    loop = runner.get_loop()
    loop.run_until_complete(loop.shutdown_asyncgens())
    try:
        loop.run_until_complete(later())
    except RuntimeError as error:
        print(error)
watch.flush()
for finding in watch.findings:
    if finding.rule.code == "AW302":  # a slow machine has others
        print(finding.rule.code, finding.event, finding.where and (finding.where.line, finding.where.function))
print(watch._bus.broken, all(not record[2]() for record in watch._hooks._asyncgens._records.values()))
"""


@needs_both
@each_loop
def test_both_know_where_generators_are_iterated(program: Any, kind: str) -> None:
    """An async generator that is left, iterated late or by a library: the same findings at the same lines, none kept alive."""
    python, c = (run_twin(program, WATCHED + GENERATORS, kind, twin) for twin in ("python", "c"))
    assert python.status == 0, python.err
    # When the collector comes and in which order it is told is no twin's doing.
    assert sorted(set(c.out.splitlines())) == sorted(set(python.out.splitlines())), c.err
    assert "AW302" in c.out
