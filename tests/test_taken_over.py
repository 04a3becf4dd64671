"""What futures, threads and resources make the standard library say: the program gets it as without us, nobody twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import RUN, Run, each_loop, run_python

HEAD = RUN.replace("import asyncio,", "import gc, socket, traceback, warnings, asyncio,", 1)

FOREIGN = """
def attempt(loop, future):
    for call in (lambda: loop.call_soon(int), lambda: loop.call_later(1, int), lambda: loop.call_at(1, int),
                 lambda: future.set_result(1), lambda: create(loop)):
        try:
            call()
        except RuntimeError:
            lines = traceback.format_exc().splitlines()
            print([line for line in lines if "^^" not in line])

def create(loop):
    coro = asyncio.sleep(0)
    try:
        loop.create_task(coro)
    finally:
        coro.close()

async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    future.add_done_callback(int)
    await loop.run_in_executor(None, attempt, loop, future)

run(main())
"""

# Drops a transport and a future that failed; what is said of the first depends on the program's filters.
DROPS = """
async def connect():
    left, right = socket.socketpair()
    await asyncio.open_connection(sock=left)
    right.close()

async def main():
    await connect()
    gc.collect()
    asyncio.get_running_loop().create_future().set_exception(ValueError("dropped"))

run(main())
"""
STREAM, FUTURE = "unclosed <StreamWriter", "Future exception was never retrieved"


def run(program: Any, text: str, kind: str, *options: str, watched: str = "", **environment: str) -> Run:
    """Run a program, under us if `watched` says with which options."""
    path = program(HEAD + text)
    ours = ["-m", "asyncwatch", "--output", "found", *watched.split()] if watched else []
    return run_python(*options, *ours, str(path), kind, cwd=path.parent, **environment)


@each_loop
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_a_call_that_debug_mode_refuses_fails_as_without_us(program: Any, kind: str, profile: str) -> None:
    """The error from another thread has the words, the type and the traceback that it has without us."""
    bare = run(program, FOREIGN, kind, PYTHONASYNCIODEBUG="1")
    assert bare.out.count("RuntimeError: Non-thread-safe") == 5, bare.err
    assert run(program, FOREIGN, kind, watched=f"--profile {profile}", PYTHONASYNCIODEBUG="1").out == bare.out


@each_loop
def test_what_is_ignored_the_interpreter_says(program: Any, kind: str) -> None:
    """With the rules ignored, stderr has the words that it has in dev mode, and with them it has not."""
    bare = run(program, DROPS, kind, "-X", "dev", PYTHONASYNCIODEBUG="1")
    assert STREAM in bare.err
    assert FUTURE in bare.err
    ignoring = run(program, DROPS, kind, watched="--profile debug --ignore AW303,AW402")
    assert (ignoring.err.count(STREAM), ignoring.err.count(FUTURE)) == (bare.err.count(STREAM), bare.err.count(FUTURE))
    taken = run(program, DROPS, kind, watched="--profile debug")
    assert STREAM not in taken.err
    assert FUTURE not in taken.err


@each_loop
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_the_programs_own_filters_decide(program: Any, kind: str, profile: str) -> None:
    """Warnings recorded, ignored, made errors or shown in the program's own way are so with us, line and words."""
    text = """
async def main():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await connect()
        gc.collect()
    print([(one.category.__name__, str(one.message)[:20], one.filename, one.lineno) for one in caught])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        await connect()
        gc.collect()
    sys.unraisablehook = lambda it: print(type(it.exc_value).__name__, traceback.format_tb(it.exc_traceback))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await connect()
        gc.collect()
    warnings.showwarning = lambda message, category, file, line, *more: print("shown", category.__name__, file, line)
    warnings.simplefilter("always")
    await connect()
    gc.collect()
"""
    text = DROPS[: DROPS.index("async def main")] + text + "\nrun(main())\n"
    bare = run(program, text, kind)
    assert bare.out.count("ResourceWarning") >= 3, bare.err
    assert run(program, text, kind, watched=f"--profile {profile}").out == bare.out


@each_loop
def test_an_error_that_was_taken_over_is_not_said_twice(program: Any, kind: str) -> None:
    """A resource's warning that the program made an error is reported by the finding, not as an ignored exception."""
    option = ("-W", "error::ResourceWarning")
    assert STREAM in run(program, DROPS, kind, *option).err
    text = "import warnings; warnings.simplefilter('error', ResourceWarning)\n" + DROPS
    watched = run(program, text, kind, watched="--profile light")
    assert STREAM not in watched.err
    assert "AW402" in Path(program("").parent / "found").read_text()


def test_a_resource_is_said_once(program: Any) -> None:
    """A process with its pipes, a server with its sockets and a stream with its transport are one finding each."""
    text = """
async def main():
    await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    await connect()
    gc.collect()

run(main())
gc.collect()
"""
    text = DROPS[: DROPS.index("async def main")] + text
    for profile in ("light", "debug"):
        run(program, text, "asyncio", watched=f"--profile {profile} --format json")
        found = (program("").parent / "found").read_text()
        (program("").parent / "found").unlink()
        assert found.count('"AW402"') == 2 + 1, found  # the summary counts it, too


CANCELLED = """
async def main():
    child = asyncio.ensure_future(asyncio.sleep(9))
    everything = asyncio.gather(child)
    child.cancel()
    await asyncio.sleep(0.01)
    del everything

run(main())
"""


@each_loop
def test_a_gather_that_was_cancelled_is_no_failure(program: Any, kind: str) -> None:
    """What asyncio reports of it stands as without us, and no finding says that it failed."""
    bare, watched = run(program, CANCELLED, kind), run(program, CANCELLED, kind, watched="--profile light")
    assert "_GatheringFuture exception was never retrieved" in bare.err
    assert bare.err.splitlines()[0] == watched.err.splitlines()[0]
    assert "AW303" not in (Path(program("").parent) / "found").read_text()
