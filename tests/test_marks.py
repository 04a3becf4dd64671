"""`@not_in_async` as the program sees it: the function stays what it was, and what cannot be marked is said."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib.util
import inspect
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import ROOT, run_python

import asyncwatch
from asyncwatch import NotInAsyncError, marks, not_in_async

free = pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="Python 3.11 has no sys.monitoring: it is a wrapper")


@not_in_async
def load(number: int, *, name: str = "") -> list[str]:
    """The names."""
    return [name] * number


@not_in_async(strict=True, instead="ask_async()")
def ask() -> int:
    """The answer."""
    return 42


@not_in_async
def numbers(limit: int) -> Iterator[int]:
    yield from range(limit)


@not_in_async(strict=True)
def strict_numbers(limit: int) -> Iterator[int]:
    yield from range(limit)


def on_a_loop(function: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return function()

    return asyncio.run(main())


@pytest.mark.parametrize("function", [load, ask, numbers, strict_numbers], ids=lambda function: function.__name__)
def test_a_marked_function_is_introspected_and_pickled_as_before(function: Any) -> None:
    """Name, signature, documentation, kind and the way it is pickled are the function's own."""
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.__module__ == __name__
    assert inspect.isgeneratorfunction(function) == ("numbers" in function.__name__)
    assert list(inspect.signature(function).parameters) in (["number", "name"], ["limit"], [])
    assert inspect.getdoc(load) == "The names."
    assert inspect.getsourcelines(load)[0][1].startswith("def load")


@free
def test_a_mark_is_no_wrapper() -> None:
    """What is marked without `strict` is returned itself: there is nothing that could cost anything."""

    def function() -> None: ...

    method = classmethod(function)
    assert not_in_async(function) is function
    assert not_in_async(instead="x")(function) is function
    assert not_in_async(method) is method


def test_a_mark_is_one_functions() -> None:
    """Of functions that one `def` makes only the marked one is told of; a decorator's others are not."""

    def decorated(function: Callable[[], int]) -> Callable[[], int]:
        @functools.wraps(function)
        def wrapper() -> int:
            return function()

        return wrapper

    marked, other = not_in_async(decorated(lambda: 1)), decorated(lambda: 2)
    with asyncwatch.watch(output=()) as watch:
        assert on_a_loop(lambda: (other(), marked(), other())) == (2, 1, 2)
        watch.flush()
        assert [finding.rule.code for finding in watch.findings if finding.rule.code == "AW104"] == ["AW104"]


def test_what_is_marked_while_it_is_watched_is_seen_and_after_the_watch_is_not() -> None:
    """A function imported late is told of like others; a watch that ended hears of nothing."""
    with asyncwatch.watch(output=()) as watch:

        @not_in_async
        def late() -> int:
            return 1

        on_a_loop(late)
        watch.flush()
        found = [finding for finding in watch.findings if finding.rule.code == "AW104"]
    assert [finding.evidence["call"].rpartition(".")[2] for finding in found] == ["late"]
    on_a_loop(late)
    assert len([finding for finding in watch.findings if finding.rule.code == "AW104"]) == 1


def test_ignored_means_ignored() -> None:
    """`ignore` names AW104 or its family: nothing is said of marked functions."""
    for code in ("AW104", "AW1"):
        with asyncwatch.watch(output=(), ignore=frozenset({code})) as watch:
            on_a_loop(lambda: load(1))
            watch.flush()
            assert not [finding for finding in watch.findings if finding.rule.code == "AW104"]


@free
def test_a_forgotten_function_is_forgotten() -> None:
    """The mark keeps nothing alive."""

    def function() -> None: ...

    not_in_async(function)
    key = id(function.__code__)
    assert key in marks.marked
    del function
    gc.collect()
    assert key not in marks.marked


@pytest.mark.parametrize("watched", [False, True])
def test_strict_raises_watched_or_not(watched: bool) -> None:
    """On a loop's thread it raises with the next step, elsewhere it runs."""

    async def main() -> int:
        with pytest.raises(NotInAsyncError, match=r"ask\(\) must not run on a loop's thread; call ask_async\(\)"):
            ask()
        return await asyncio.to_thread(ask)

    def check() -> None:
        assert asyncio.run(main()) == ask() == 42

    if watched:
        with asyncwatch.watch(output=()):
            check()
    else:
        check()


def test_a_strict_generator_raises_when_it_begins_to_run() -> None:
    """Made on the loop's thread it may be used up in another one."""

    async def main() -> list[int]:
        made = strict_numbers(2)
        with pytest.raises(NotInAsyncError):
            next(strict_numbers(2))
        return await asyncio.to_thread(list, made)

    assert asyncio.run(main()) == [0, 1]


def test_strict_knows_trio() -> None:
    """Trio's thread is a loop's thread too."""
    trio = pytest.importorskip("trio")

    async def main() -> int:
        with pytest.raises(NotInAsyncError):
            ask()
        result: int = await trio.to_thread.run_sync(ask)
        return result

    assert trio.run(main) == 42


async def coroutine() -> None: ...


async def generator() -> Any:
    yield


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (coroutine, r"coroutine: an async function runs on a loop and nowhere else"),
        (generator, r"generator: an async function"),
        (functools.partial(coroutine), r"coroutine: an async function"),
        (staticmethod(coroutine), r"coroutine: an async function"),
        (threading.Thread, r"the class threading.Thread: mark the methods that block"),
        (property(lambda self: 1), r"property objects: put it below the other decorator"),
    ],
    ids=["coroutine", "asyncgen", "partial", "staticmethod", "class", "property"],
)
@pytest.mark.parametrize("strict", [False, True])
def test_what_cannot_be_marked_is_refused_with_the_reason(target: Any, words: str, strict: bool) -> None:
    """An async function, a class and what is no function raise TypeError where they are decorated."""
    with pytest.raises(TypeError, match=words):
        not_in_async(strict=strict)(target)


def test_a_function_of_c_code_can_be_marked() -> None:
    """What has no Python code is wrapped, and told of by its own name."""
    marked = not_in_async(time.sleep)
    with asyncwatch.watch(output=()) as watch:
        on_a_loop(lambda: marked(0))
        marked(0)
        watch.flush()
        (found,) = [finding for finding in watch.findings if finding.rule.code == "AW104"]
    assert found.evidence["call"] == "time.sleep"


def test_the_exception_of_a_marked_function_is_its_own(program: Any) -> None:
    """A traceback through a marked function that is not strict names the program's lines only, from 3.12 on."""
    text = """
import asyncio, asyncwatch, sys, traceback
@asyncwatch.not_in_async
def load(): raise ValueError
async def main():
    try: load()
    except ValueError as error: print([f.name for f in traceback.extract_tb(error.__traceback__)])
with asyncwatch.watch(output=()): asyncio.run(main())
"""
    out = run_python(str(program(text)), cwd=ROOT).out
    assert out == ("['main', 'load']\n" if hasattr(sys, "monitoring") else "['main', 'wrapper', 'load']\n")


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="needs mypy")
def test_type_checkers_see_the_function_itself() -> None:
    """mypy, as strict as for the source, finds every signature kept."""
    command = [sys.executable, "-m", "mypy", "--cache-dir", "/dev/null", "tests/typed.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
