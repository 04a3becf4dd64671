"""trio under the watcher: found however it arrives, left as it was, and never woken or kept."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from conftest import run_python, run_watched

pytestmark = pytest.mark.skipif(importlib.util.find_spec("trio") is None, reason="needs trio")

SLOW = """
async def slow():
    await trio.sleep(0.05)
    time.sleep(0.3)
    await trio.sleep(0.05)
"""
START = "import gc, sys, threading, time, weakref\nimport asyncwatch\n"


def played(program: Any, text: str) -> str:
    """What a program prints."""
    done = run_python(str(program(START + text)), cwd=Path.cwd())
    assert done.status == 0, done.err + done.out
    return done.out


@pytest.mark.parametrize(
    "text",
    [
        "import trio\nwith asyncwatch.watch(output=()) as watch:\n    trio.run(slow)\n    watch.flush()",
        "with asyncwatch.watch(output=()) as watch:\n    import trio\n    trio.run(slow)\n    watch.flush()",
        "with asyncwatch.watch(output=()) as watch:\n    import trio.testing\n    from trio import run\n"
        "    run(slow)\n    watch.flush()",
        "import trio\nasync def main():\n    global watch\n    with asyncwatch.watch(output=()) as watch:\n"
        "        await slow()\n        watch.flush()\ntrio.run(main)",
    ],
    ids=["there before", "imported while watched", "a part of it first", "watched from inside the run"],
)
def test_however_it_arrives_its_slow_step_is_found(program: Any, text: str) -> None:
    """Imported before the watcher comes, after, in whatever way, or running already: the line and the task are told."""
    done = played(
        program,
        SLOW
        + text
        + "\nprint([(one.rule.code, one.where.line, one.loop.kind, one.task.name) for one in watch.findings])",
    )
    code, line, kind, name = eval(done)[0]
    assert (code, line, kind) == ("AW101", 6, "trio")
    assert name in ("__main__.slow", "__main__.main")


def test_a_step_that_goes_on_is_told_while_it_lasts(program: Any, tmp_path: Path) -> None:
    """AW102 at the line, and when it is over its length."""
    path = program("import time\nimport trio\n" + SLOW.replace("0.3", "1.2") + "\ntrio.run(slow)\n")
    watched = run_watched(path, folder=tmp_path, options=["--hang-after", "0.5"])
    found = [(one["code"], one["level"], one["where"]["line"]) for one in watched.findings]
    assert found == [("AW102", "error", 6), ("AW101", "info", 6)]


def test_trio_is_left_as_it_was_found(program: Any) -> None:
    """After `uninstall` nothing of trio's is replaced, no finder is left, and a run that goes on has no instrument."""
    text = """
before_path = list(sys.meta_path)
watch = asyncwatch.install(output=())
print(len(sys.meta_path) - len(before_path))
import trio
from trio._core import _run
print(sys.meta_path == before_path)
watch.uninstall()
before = dict(vars(_run))

async def main():
    watch = asyncwatch.install(output=())
    await trio.sleep(0.1)
    runner = _run.GLOBAL_RUN_CONTEXT.runner
    during = len(runner.instruments["_all"])
    watch.uninstall()
    await trio.sleep(0.1)
    print(during, [(name, len(found)) for name, found in runner.instruments.items()])
    return weakref.ref(runner)

ref = trio.run(main)
gc.collect()
print([key for key in before if vars(_run)[key] is not before[key]], ref())
with asyncwatch.watch(output=()):
    ref = trio.run(main)
    gc.collect()
    print(ref())
"""
    assert played(program, text).splitlines() == [
        "1",
        "True",
        "1 [('_all', 0)]",
        "[] None",
        "2 [('_all', 1), ('after_run', 1)]",  # the other watcher's stays
        "None",
    ]


def test_without_trio_nothing_is_imported(program: Any) -> None:
    """A program of asyncio's alone has no module of trio's, and AW000 does not speak of it."""
    text = """
import asyncio
with asyncwatch.watch(output=()) as watch:
    asyncio.run(asyncio.sleep(0.05))
    print([name for name in sys.modules if name.split(".")[0] == "trio"], watch._hooks._trio.rows())
"""
    assert played(program, text) == "[] []\n"


def test_the_programs_own_instruments_are_its_own(program: Any) -> None:
    """An instrument of the program's hears of every turn, before and after each wait, as without us."""
    text = """
import trio

class Counts(trio.abc.Instrument):
    def __init__(self):
        self.seen = []
    def before_io_wait(self, timeout):
        self.seen.append("before")
    def after_io_wait(self, timeout):
        self.seen.append("after")

async def main():
    for _ in range(300):
        await trio.lowlevel.checkpoint()
        time.sleep(0.0005)

def counted():
    counts = Counts()
    trio.run(main, instruments=[counts])
    return counts.seen

bare = counted()
with asyncwatch.watch(output=()) as watch:
    watched = counted()
    watch.flush()
    print(watched == ["before", "after"] * (len(watched) // 2), abs(len(watched) - len(bare)) < 20, watch.findings)
"""
    assert played(program, text) == "True True ()\n"


@pytest.mark.parametrize(
    "target",
    ["trio_waits.Waits._visit", "trio_waits._kind", "trio_runs.TrioRun.__init__", "trio_runs.TrioRun._named"],
)
def test_a_part_of_ours_that_raises_is_nobodys_trouble(program: Any, target: str) -> None:
    """trio ends a whole run for an exception in what it calls: none of ours gets there, and each part says so once."""
    text = f"""
from asyncwatch.hooks import trio_runs, trio_waits
import trio

def broken(*args, **kwargs):
    raise ZeroDivisionError

{target} = broken

async def main():
    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        await lock.acquire()
        nursery.start_soon(lock.acquire)
        await trio.sleep(0.8)
        time.sleep(0.3)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    print("ended")

with asyncwatch.watch(output=(), stuck_after=0.2) as watch:
    trio.run(main)
    watch.flush()
    print([one.evidence["part"] for one in watch.findings if one.rule.code == "AW001"])
"""
    part = "hooks.watchdog" if target.endswith("_named") else "hooks.trio"
    assert played(program, text) == f"ended\n['{part}']\n"
