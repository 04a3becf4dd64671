"""AW302's hook: what the program sees of it, what is taken over, and what is forgotten in time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from conftest import each_loop, run_python, run_watched

import asyncwatch
from asyncwatch.cleanups import has_cleanup
from asyncwatch.hooks import asyncgens

START = """
import asyncio, contextlib, gc, sys, warnings

def run(coro):
    if sys.argv[1:] == ["uvloop"]:
        import uvloop
        return uvloop.run(coro)
    return asyncio.run(coro)

async def rows():
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
        print("released")
"""


def said(run: Any) -> list[tuple[int, str]]:
    return [(line["where"]["line"], line["level"]) for line in run.findings if line["code"] == "AW302"]


@each_loop
def test_hooks_that_the_program_sets_are_its_own(program: Any, tmp_path: Path, kind: str) -> None:
    """The loop's hooks are its own bound methods, and those of the program are called as without us."""
    text = """
seen = []

async def main():
    first, final = sys.get_asyncgen_hooks()
    loop = asyncio.get_running_loop()
    print(first.__name__, final.__name__, first.__self__ is loop)
    sys.set_asyncgen_hooks(firstiter=lambda agen: seen.append("first"), finalizer=lambda agen: seen.append("final"))
    async for row in rows():
        break
    sys.set_asyncgen_hooks(first, final)
    async for row in rows():
        break
    await asyncio.sleep(0.3)
    print(seen, asyncio.iscoroutinefunction(loop.shutdown_asyncgens))

run(main())
"""
    path = program(START + text)
    bare = run_python("-W", "ignore", str(path), kind, cwd=tmp_path)
    watched = run_watched(path, kind, folder=tmp_path)
    assert (bare.status, bare.out) == (watched.status, watched.out), watched.err
    assert said(watched) == [(28, "warning")]


@each_loop
def test_a_late_generator_is_said_once(program: Any, tmp_path: Path, kind: str) -> None:
    """The loop's own ResourceWarning is taken over; ignored it is as without us; as an error it is raised."""
    text = """
async def main():
    await asyncio.get_running_loop().shutdown_asyncgens()
    try:
        async for row in rows():
            print(row)
    except ResourceWarning:
        print("raised")

run(main())
"""
    path = program(START + text)
    folders = [tmp_path / name for name in ("taken", "ignored", "raised")]
    for folder in folders:
        folder.mkdir()
    taken = run_watched(path, kind, folder=folders[0], profile="debug")
    assert said(taken) == [(21, "warning")]
    assert "was scheduled after" not in taken.err
    ignored = run_watched(path, kind, folder=folders[1], profile="debug", options=["--ignore", "AW302"])
    assert said(ignored) == []
    assert "was scheduled after" in ignored.err
    raised = run_watched(path, kind, folder=folders[2], PYTHONWARNINGS="error::ResourceWarning")
    assert raised.out == "raised\n"
    assert said(raised) == [(21, "warning")]


@each_loop
def test_one_that_nobody_can_close_is_said(program: Any, tmp_path: Path, kind: str) -> None:
    """A generator that outlives its loop is left to nobody."""
    text = """
kept = []

async def main():
    kept.append(rows())
    print(await anext(kept[0]))

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
kept.clear()
gc.collect()
"""
    run = run_watched(program(START + text), kind, folder=tmp_path)
    [finding] = [line for line in run.findings if line["code"] == "AW302"]
    assert (finding["where"]["line"], finding["level"], finding["evidence"]["left_to"]) == (22, "warning", "nobody")


def test_a_librarys_iteration_names_the_programs_line(program: Any, tmp_path: Path) -> None:
    """A generator that a library iterates has the program's own line around it as its place."""
    text = """
async def main():
    manager = contextlib.asynccontextmanager(rows)()
    print(await manager.__aenter__())
    del manager
    await asyncio.sleep(0.01)

run(main())
"""
    run = run_watched(program(START + text), folder=tmp_path)
    assert said(run) == [(20, "warning")]


@each_loop
def test_a_librarys_own_task_is_not_the_programs_line(program: Any, tmp_path: Path, kind: str) -> None:
    """A generator of the program's that a task of a library's leaves is info at the library's line."""
    text = """
library = {}
exec(compile('''
async def serve(make):
    async for row in make():
        break
''', "/usr/lib/python3/site-packages/server.py", "exec"), library)

async def main():
    await asyncio.create_task(library["serve"](rows))
    await asyncio.sleep(0.05)

run(main())
"""
    run = run_watched(program(START + text), kind, folder=tmp_path)
    [finding] = [line for line in run.findings if line["code"] == "AW302"]
    assert (finding["where"]["function"], finding["level"]) == ("serve", "info")


def test_not_asked_for_nothing_is_hooked() -> None:
    """With AW302 ignored the loop's own methods are in place."""
    before = asyncio.BaseEventLoop._asyncgen_firstiter_hook
    with asyncwatch.watch(output=(), ignore={"AW302"}):
        assert asyncio.BaseEventLoop._asyncgen_firstiter_hook is before
    with asyncwatch.watch(output=()):
        assert asyncio.BaseEventLoop._asyncgen_firstiter_hook is not before
    assert asyncio.BaseEventLoop._asyncgen_firstiter_hook is before


def test_records_of_generators_that_are_gone_are_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many generators, none at another's address, leave a bounded number of records; an open one keeps its line."""
    monkeypatch.setattr(asyncgens, "FEW", 10)

    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        kept = [numbers() for _ in range(50)]
        first = kept[0]
        await anext(first)
        for one in kept[1:]:
            async for _ in one:
                pass
        tap._room = 10
        assert tap.crowded
        kept.clear()
        del one
        gc.collect()
        tap.tidy()
        assert not tap.crowded
        assert len(tap._records) <= 2
        del first
        await asyncio.sleep(0)

    with asyncwatch.watch(output=()) as watch:
        tap = watch._hooks._asyncgens
        asyncio.run(main())
        watch.flush()
    [finding] = [finding for finding in watch.findings if finding.rule.code == "AW302"]
    assert finding.evidence["line_is"] == "iterated"


def test_what_is_a_cleanup() -> None:
    """A `finally`, a `with` and an `except` that hears of the end are; an `except` of something else is none."""
    source = """
async def agen():
    yield 1
    try:
        yield 2
    finally:
        print()
    try:
        yield 3
    except ValueError:
        print()
    with open("x") as file:
        yield 4
    try:
        yield 5
    except (OSError, GeneratorExit):
        raise
    try:
        async for _ in other():
            yield 6
    except BaseException:
        raise
    async for _ in other():
        yield 7
    async with other():
        yield 8
    try:
        try:
            yield 9
        except KeyError:
            pass
    finally:
        pass
"""
    names: dict[str, Any] = {}
    exec(source, names)
    code = names["agen"].__code__
    found = set()
    for offset in range(0, len(code.co_code), 2):
        line = next((number for start, end, number in code.co_lines() if start <= offset < end), None)
        text = source.splitlines()[line - 1] if line else ""
        if "yield" in text and has_cleanup(code, offset):
            found.add(int(text.split()[-1]))
    assert found == {2, 4, 5, 6, 8, 9}
