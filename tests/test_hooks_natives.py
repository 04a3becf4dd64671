"""Dumps out of native code beside a program that forks, closes descriptors, blocks and uses signals of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import RUN, Run, each_loop, run_python, run_watched

from asyncwatch import env

pytestmark = pytest.mark.skipif(bool(env.why_no_dumps()), reason=env.why_no_dumps() or "-")

START = RUN + """
def half_a_second():
    size = 1 << 20
    while True:
        began = time.thread_time()
        sum(range(size))
        if time.thread_time() - began > 0.03:
            break
        size *= 2
    size *= int(0.5 / (time.thread_time() - began)) + 1
    return size

def block(size):
    sum(range(size))  # here

SIZE = half_a_second()

async def stall():
    await asyncio.sleep(0.15)
    block(SIZE)
    await asyncio.sleep(0.15)
"""


def watched(program: Any, kind: str, folder: Path, text: str, *options: str) -> Run:
    run = run_watched(program(START + text), kind, folder=folder, options=options)
    assert run.status == 0, run.err
    assert [line for line in run.findings if line["code"] == "AW001"] == []
    return run


def lines_of(program_text: str) -> int:
    return next(number for number, line in enumerate(program_text.splitlines(), 1) if line.endswith("# here"))


HERE = lines_of(START)


def told(run: Run) -> list[dict[str, Any]]:
    """What was said of the marked line."""
    said = [line for line in run.findings if line["code"] == "AW101" and line["where"]["line"] == HERE]
    assert all(line["evidence"]["cause"] == "gil" for line in said)
    return said


@each_loop
def test_a_forked_child_has_dumps_of_its_own(program: Any, tmp_path: Path, kind: str) -> None:
    """Native code that holds the GIL is found with its line before a fork, in the child and in the parent after it."""
    text = """
run(stall())
pid = os.fork()
run(stall())
if not pid:
    sys.exit(0)
os.waitpid(pid, 0)
"""
    said = told(watched(program, kind, tmp_path, text))
    assert len({line["pid"] for line in said}) == 2


@each_loop
def test_a_program_that_closes_everything(program: Any, tmp_path: Path, kind: str) -> None:
    """After `os.closerange` over our descriptor, and a file of the program's own there, that file is untouched and
    native code is found again."""
    text = """
async def main():
    await stall()
    mine = [int(n) for n in os.listdir("/proc/self/fd") if int(n) >= 900]
    os.closerange(900, 4096)
    own = os.open("own", os.O_RDWR | os.O_CREAT)
    for number in mine:
        os.dup2(own, number)
    os.write(own, b"mine")
    await asyncio.sleep(0.2)
    await stall()
    print(mine != [], open("own").read(), [os.fstat(number).st_size for number in mine] == [4] * len(mine))

run(main())
"""
    run = watched(program, kind, tmp_path, text)
    assert run.out == "True mine True\n"
    assert sum(line["count"] for line in told(run)[-1:]) >= 1


@each_loop
def test_signals_that_are_blocked_kill_nobody(program: Any, tmp_path: Path, kind: str) -> None:
    """A program that blocks all signals in the loop's thread, and lets them in after we are gone, lives on."""
    text = """
import asyncwatch
with asyncwatch.watch(output=()):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    run(stall())
signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
print("ended")
"""
    path = program(START + text)
    done = run_python(str(path), kind, cwd=tmp_path)
    assert (done.status, done.out) == (0, "ended\n"), done.err


EVERY = "range(signal.SIGRTMIN, signal.SIGRTMAX + 1)"
DUMPS = f"[n for n in {EVERY} if signal.getsignal(n) == signal.SIG_DFL]"


@each_loop
@pytest.mark.parametrize("which", [EVERY, DUMPS], ids=["every", "those of the dumps"])
def test_real_time_signals_of_the_programs_are_its_own(program: Any, tmp_path: Path, kind: str, which: str) -> None:
    """A program that answers real-time signals itself gets those it sends and none of ours, also when we are gone."""
    text = """
got = []
async def main():
    await stall()
    for number in eval(sys.argv[2]):
        signal.signal(number, lambda number, frame: got.append(number))
    await asyncio.sleep(0.1)
    await stall()
    print(got)
    signal.raise_signal(signal.SIGRTMIN + 5)
    await asyncio.sleep(0.05)
    print([number - signal.SIGRTMIN for number in got])

run(main())
watch.uninstall()
for number in eval(sys.argv[3]):
    signal.raise_signal(number)
print(len(got) >= 4)
"""
    start = "import asyncwatch\nwatch = asyncwatch.install(output=())\n"
    rest = f"[n for n in {EVERY} if callable(signal.getsignal(n))]"
    done = run_python(str(program(start + START + text)), kind, which, rest, cwd=tmp_path)
    assert (done.status, done.out) == (0, "[]\n[5]\nTrue\n"), done.err


@each_loop
def test_faulthandler_of_the_programs_is_its_own(program: Any, tmp_path: Path, kind: str) -> None:
    """`faulthandler.enable` and `register` of the program work as without us, into its own file, once per signal."""
    text = """
own = open("own", "w+")
faulthandler.enable(own)
faulthandler.register(signal.SIGUSR1, own, all_threads=False)
run(stall())
os.kill(os.getpid(), signal.SIGUSR1)
print(faulthandler.is_enabled(), open("own").read().count("most recent call first"))
"""
    run = watched(program, kind, tmp_path, text)
    assert run.out == "True 1\n"
    assert told(run)


@each_loop
def test_ordinary_python_is_never_dumped(program: Any, tmp_path: Path, kind: str) -> None:
    """However long brief releases of the GIL keep the watcher from it, no stack is dumped out of ordinary Python."""
    text = """
from asyncwatch.hooks import dumps
take, made = dumps.DumpFile.take, []
def taken(self):
    found = take(self)
    made.extend(stack[0].function for stack in found)
    return found
dumps.DumpFile.take = taken

def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass

async def main():
    for spacing in (0.001, 0.003):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            burn(spacing)
            await asyncio.sleep(0)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            burn(spacing)
            os.stat("/")
        await asyncio.sleep(0.05)
    await stall()

run(main())
print(set(made) - {"block", "half_a_second"})  # these two compute in native code
"""
    assert watched(program, kind, tmp_path, text).out == "set()\n"
