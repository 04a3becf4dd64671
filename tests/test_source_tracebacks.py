"""asyncio's source tracebacks in profile debug: not looked at they are numbers, looked at they are asyncio's own."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
import traceback
from asyncio import format_helpers
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PURE, each_loop
from test_twins import each_twin

import asyncwatch
from asyncwatch.hooks.source_tracebacks import SourceTraceback

# Prints each kind of source traceback that asyncio's Python code, its C code or uvloop takes down.
PROGRAM = """
import asyncio, functools, gc, sys, threading, traceback

async def child():
    await asyncio.sleep(0.01)

async def fails():
    raise KeyError("task")

def raises():
    raise ValueError("callback")

def show(what, stack):
    print("--", what, len(stack) if stack else stack)
    print("".join(traceback.format_list(stack)) if stack else "")

def handler(loop, context):
    show(context["message"].partition("<")[0], context.get("source_traceback"))

def deep(depth, call):
    return deep(depth - 1, call) if depth else call()

async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handler)
    show("create_task", (task := asyncio.create_task(child()))._source_traceback)
    show("loop.create_task", (other := loop.create_task(child(), name="x"))._source_traceback)
    show("future", loop.create_future()._source_traceback)
    show("deep future", deep(15, loop.create_future)._source_traceback)
    show("deep handle", deep(15, lambda: loop.call_soon(int))._source_traceback)
    show("handle", loop.call_soon(raises)._source_traceback)
    show("timer", loop.call_later(0.001, raises)._source_traceback)
    show("threadsafe", loop.call_soon_threadsafe(int)._source_traceback)
    executed = loop.run_in_executor(None, int)
    show("executor", executed._source_traceback)
    show("gather", asyncio.gather(task, other)._source_traceback)
    await asyncio.wait([task, other, executed])
    async with asyncio.TaskGroup() as group:
        show("group", group.create_task(child())._source_traceback)
    if hasattr(asyncio, "eager_task_factory") and sys.argv[1] == "asyncio":
        loop.set_task_factory(asyncio.eager_task_factory)
        show("eager", asyncio.create_task(child())._source_traceback)
        loop.set_task_factory(None)
    loop.set_task_factory(lambda loop, coro, **kwargs: asyncio.Task(coro, loop=loop, **kwargs))
    show("factory", asyncio.create_task(child())._source_traceback)
    loop.set_task_factory(None)
    print(repr(loop.call_later(9, raises)).partition("created at")[2])
    print(repr(loop.create_future()).partition("created at")[2])
    loop.create_future().set_exception(ValueError())
    failing = asyncio.create_task(fails())
    await asyncio.sleep(0.05)
    del failing
    gc.collect()
    show("the program's own", traceback.extract_stack())
    show("limited", traceback.extract_stack(limit=2))
    show("summary", traceback.StackSummary.extract(traceback.walk_stack(sys._getframe()), limit=3, lookup_lines=False))

def run():
    if sys.argv[1] == "uvloop":
        import uvloop
        uvloop.run(main())
    else:
        asyncio.run(main())

run()
if sys.argv[1] == "asyncio":
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
"""


def output(*command: str, cwd: Path, **environ: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ASYNCWATCH")}
    run = subprocess.run(
        [sys.executable, *command], cwd=cwd, env={**clean, **environ}, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@each_loop
@each_twin
@pytest.mark.parametrize("way", [["program.py"], ["-m", "program"]])
def test_what_is_printed_is_asyncios_own_text(kind: str, twin: str, way: list[str], tmp_path: Path) -> None:
    """Whoever takes it down and whatever is printed of it, each line is the one of Python's own dev mode."""
    (tmp_path / "program.py").write_text(PROGRAM)
    bare = output(*way, kind, cwd=tmp_path, PYTHONDEVMODE="1", PYTHONASYNCIODEBUG="1")
    watched = output("-m", "asyncwatch", "--output", os.devnull, *way, kind, cwd=tmp_path, **PURE[twin])
    assert bare.count("-- ") > 15
    assert watched == bare


def test_a_source_that_is_in_no_file_is_shown_as_well(tmp_path: Path) -> None:
    """A module's loader is asked for the line, as asyncio does: here it lies in a zip archive."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed.py", "def make(loop):\n    return loop.create_future()  # packed\n")
    (tmp_path / "program.py").write_text(
        "import sys; sys.path.insert(0, 'packed.zip')\n"
        "import asyncio, packed\n"
        "async def main():\n"
        "    print(''.join(packed.make(asyncio.get_running_loop())._source_traceback.format()))\n"
        "asyncio.run(main())\n"
    )
    bare = output("program.py", cwd=tmp_path, PYTHONDEVMODE="1", PYTHONASYNCIODEBUG="1")
    assert "# packed" in bare
    assert output("-m", "asyncwatch", "--output", os.devnull, "program.py", cwd=tmp_path) == bare


@pytest.fixture
def pair(twin: str) -> Iterator[Callable[[], tuple[Any, Any]]]:
    """A function that takes down its callers twice: by us, and by the original."""
    original = traceback.StackSummary.extract
    with asyncwatch.watch(profile="debug", output=()):

        def both() -> tuple[Any, Any]:
            ours, theirs = (format_helpers.extract_stack(), original(traceback.walk_stack(sys._getframe()), limit=10))
            theirs.reverse()
            return ours, theirs

        yield both


USES: list[Callable[[Any], Any]] = [
    lambda stack: stack[-1],
    lambda stack: stack[1:3],
    lambda stack: list(stack),
    lambda stack: tuple(stack),
    lambda stack: list(reversed(stack)),
    lambda stack: [*stack],
    lambda stack: len(stack),
    lambda stack: stack.format(),
    lambda stack: repr(stack),
    lambda stack: stack.pop(),
    lambda stack: stack.copy(),
    lambda stack: stack + [1],  # noqa: RUF005 - the operator is what is tried
    lambda stack: [1] + list(stack),  # noqa: RUF005
    lambda stack: sorted(stack, key=str),
    lambda stack: copy.copy(stack),
    lambda stack: copy.deepcopy(stack),
    lambda stack: traceback.format_list(stack),
    lambda stack: [tuple(entry) for entry in stack],
    lambda stack: stack.index(stack[2]),
    lambda stack: (stack.append(1), list(stack)),
    lambda stack: (stack.insert(0, 1), list(stack)),
    lambda stack: (stack.extend([1, 2]), list(stack)),
    lambda stack: (stack.reverse(), list(stack)),
    lambda stack: (stack.__delitem__(-1), list(stack)),
    lambda stack: (stack.__delitem__(slice(2)), list(stack)),
    lambda stack: (stack.__setitem__(0, 1), list(stack)),
    lambda stack: (stack.clear(), list(stack)),
    lambda stack: stack == list(stack),
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
def test_whatever_is_done_with_it_gives_what_the_original_gives(use: Callable[[Any], Any], pair: Any) -> None:
    """Every way to look at or change a list finds the entries that asyncio's own would have had."""
    ours, theirs = pair()
    assert type(ours) is SourceTraceback
    assert use(ours) == use(theirs)
    assert list(ours) == list(theirs)
    assert type(ours) is type(theirs) is traceback.StackSummary or not len(theirs)


def test_truth_and_deletion_of_the_last_look_at_nothing(pair: Any) -> None:
    """What asyncio does with each of them leaves it as it was written down."""
    ours, _ = pair()
    assert ours
    del ours[-1]
    assert type(ours) is SourceTraceback
    assert ours[-1].name != "both"


def test_one_entry_is_looked_at_alone(pair: Any) -> None:
    """asyncio asks for the last one when a timer is cancelled: the others stay as they were written down."""
    ours, theirs = pair()
    assert [ours[at] for at in (-1, 0, 2, len(ours) - 1)] == [theirs[at] for at in (-1, 0, 2, len(theirs) - 1)]
    assert (ours[-1].line, ours[-1].lineno, ours[-1].name) == (theirs[-1].line, theirs[-1].lineno, "both")
    assert tuple(ours[-1]) == tuple(theirs[-1])
    assert [ours[-1][at] for at in (0, 1, 2, 3, -1)] == [theirs[-1][at] for at in (0, 1, 2, 3, -1)]
    assert ours[-1][1:3] == theirs[-1][1:3]
    assert repr(ours[-1]) == repr(theirs[-1])
    with pytest.raises(IndexError):
        ours[len(theirs)]
    assert type(ours) is SourceTraceback


def test_asyncio_reads_no_source_for_a_handle(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a timer is cancelled in debug mode it is made a text, with a file and a line; no file is opened for that."""
    import asyncio
    import linecache

    monkeypatch.setattr(linecache, "getline", lambda *_: pytest.fail("a source was read"))
    monkeypatch.setattr(linecache, "updatecache", lambda *_: pytest.fail("a source was read"))

    async def main() -> str:
        timer = asyncio.get_running_loop().call_later(9, print)
        timer.cancel()
        return repr(timer)

    assert f"created at {__file__}:" in asyncio.run(main(), debug=True)


def test_two_threads_that_look_at_once_see_the_same(pair: Any) -> None:
    """A look is complete for whoever looks, also while another thread does the same."""
    import threading

    for _ in range(200):
        ours, theirs = pair()
        found: list[Any] = []
        threads = [threading.Thread(target=lambda ours=ours, found=found: found.append(list(ours))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [list(theirs)] * 2


def test_the_functions_get_their_own_code_back() -> None:
    """After uninstall the two functions are as they were found, defaults included."""
    functions: list[Any] = [format_helpers.extract_stack, traceback.extract_stack]
    before = [(function.__code__, function.__defaults__, function.__kwdefaults__) for function in functions]
    extract = vars(traceback.StackSummary)["extract"]
    with asyncwatch.watch(profile="debug", output=()):
        assert [function.__code__ for function in functions] != [code for code, *_ in before]
    assert [(function.__code__, function.__defaults__, function.__kwdefaults__) for function in functions] == before
    assert vars(traceback.StackSummary)["extract"] is extract


def test_light_leaves_them_alone() -> None:
    """Profile light replaces none of the functions."""
    before = traceback.extract_stack.__code__
    with asyncwatch.watch(profile="light", output=()):
        assert traceback.extract_stack.__code__ is before


def test_a_limit_that_the_program_sets_for_all_tracebacks_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """sys.tracebacklimit cuts what `traceback.extract_stack` gives, as without us."""
    with asyncwatch.watch(profile="debug", output=()):
        monkeypatch.setattr(sys, "tracebacklimit", 2, raising=False)
        assert len(traceback.extract_stack()) == 2


def test_no_frame_is_kept(pair: Any) -> None:
    """What is written down holds code and numbers: no variable of the program lives longer."""
    ours, _ = pair()
    kinds = {type(part).__name__ for raw in list.__iter__(ours) for part in raw}
    assert kinds == {"code", "int"}
    assert not re.search("frame", " ".join(kinds))
