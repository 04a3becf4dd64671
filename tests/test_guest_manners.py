"""A guest in somebody else's process: whatever becomes of us, the program goes on as if we were not there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, Runs, clean_environment, each_loop, run_python, run_watched

START = """
import asyncio, contextlib, gc, os, signal, sys, threading, time, weakref

def new_loop():
    if sys.argv[1:] == ["uvloop"]:
        import uvloop
        return uvloop.new_event_loop()
    return asyncio.new_event_loop()

def run(coro):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(coro)
"""

# Does a little of everything that is hooked, and prints what it sees of it.
PROGRAM = """
async def fails():
    raise ValueError("task")

async def work():
    await asyncio.sleep(0.7)

async def numbers():
    yield 1
    yield 2

def create_later(loop):
    time.sleep(0.1)
    loop.create_task(asyncio.sleep(0))

async def forget(address):
    reader, writer = await asyncio.open_connection(*address)
    print(await reader.read())

async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: print(type(context["exception"]).__name__))
    loop.call_soon(int, "callback")
    loop.call_soon(time.sleep, 0.01)
    work().close()
    asyncio.create_task(fails())
    asyncio.create_task(work())
    await asyncio.sleep(0.1)
    time.sleep(0.25)
    await asyncio.sleep(0.1)
    work()
    async for number in numbers():
        break
    async with asyncio.Lock() as nothing:
        print(nothing)
    await asyncio.to_thread(time.sleep, 0.01)
    loop.run_in_executor(None, int, "a future that fails")
    threading.Thread(target=create_later, args=(loop,)).start()
    await asyncio.sleep(0.2)
    async with await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0) as server:
        await forget(server.sockets[0].getsockname())
        gc.collect()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0.01, number)) for number in range(10)]
    print([task.result() for task in tasks])
    await asyncio.sleep(0.5)
    gc.collect()
    left = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    print("ended")

run(main())
run(asyncio.sleep(0.1))
"""

BREAK = """
import asyncwatch
from asyncwatch import events, frames, pipeline
from asyncwatch.hooks import asyncgens, blinds, bus, cancels, coroutines, droppers, exceptions, executors, foreign, hold, install, kinds, lockers, looking, loops, makers, natives, origins, owners, patience, pileups, resources, shutdown, sites, sweep, taps, tasks, trips, watchdog

def broken(*args, **kwargs):
    raise ZeroDivisionError("a fault of our own")

{target} = broken
watch = asyncwatch.install(format="json", output=(sys.argv.pop(1),), stuck_after=0.2)
"""

PARTS = [
    ("sites.Sites.find", "hooks.tasks"),
    ("tasks.Ledger.parent", "hooks.tasks"),
    ("tasks.Ledger.facts", None),
    ("watchdog.Watchdog.look", "hooks.watchdog"),
    ("watchdog.Watchdog._sample", "hooks.watchdog"),
    ("blinds.Blinds.of", "hooks.watchdog"),
    ("natives.Natives._arm", "hooks.natives"),
    ("natives.Natives.first", None),
    ("sweep.Sweeper.__call__", "hooks.sweep"),
    ("sweep.Sweeper._visit", "hooks.sweep"),
    ("owners.is_unheld", None),
    ("patience.Patience.visit", "hooks.sweep"),
    ("cancels.Cancels.visit", "hooks.sweep"),
    ("pileups.Pileups.step", "hooks.sweep"),
    ("lockers.Lockers.note", "hooks.lockers"),
    ("exceptions.ExceptionTap._event", "hooks.exceptions"),
    ("coroutines.CoroutineTap._seen", "hooks.coroutines"),
    ("origins.Search.origin", "hooks.coroutines"),
    ("asyncgens.AsyncgenTap._left", "hooks.asyncgens"),
    ("asyncgens.AsyncgenTap._shut_down", "hooks.asyncgens"),
    ("shutdown.ShutdownTap._pending", "hooks.shutdown"),
    ("shutdown.ShutdownTap._asked", "hooks.shutdown"),
    ("executors.Executors._line", "hooks.executors"),
    ("executors.Executors._look_at", "hooks.executors"),
    ("foreign.ForeignCalls._meanwhile", "hooks.foreign"),
    ("makers.Made", "hooks.makers"),
    ("exceptions.ExceptionTap._future", "hooks.exceptions"),
    ("resources.Resources._taken", "hooks.resources"),
    ("kinds.serves", "hooks.resources"),
    ("droppers.Droppers.seen_from", None),
    ("loops.loop_kind", "hooks.loops"),
    ("frames.Scope.is_app", None),
    ("bus.Bus.look", "session.watcher"),
    ("looking.Looking.rests", "session.watcher"),
    ("coroutines.CoroutineTap.settle", "session.judge"),
    ("asyncgens.AsyncgenTap.tidy", "hooks.asyncgens"),
]


def outcome(run: Run) -> tuple[int, str]:
    return run.status, run.out


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run_program(program: Any, text: str, *args: str, **environment: str) -> Run:
    path = program(START + text)
    return run_python(str(path), *args, cwd=path.parent, **environment)


@each_loop
@pytest.mark.parametrize(("target", "part"), PARTS, ids=[target for target, _ in PARTS])
def test_a_part_of_ours_that_raises_is_nobodys_trouble(
    runs: Runs, program: Any, tmp_path: Path, kind: str, target: str, part: str | None
) -> None:
    """When one of our own functions raises, the program behaves as without us and each part says so at most once."""
    # The same program each time: once bare on each loop is enough.
    bare = runs.get("parts", kind, make=lambda: run_program(program, PROGRAM, kind))
    out = tmp_path / "out"
    broken = run_program(program, BREAK.format(target=target) + PROGRAM, str(out), kind)
    assert outcome(broken) == outcome(bare), broken.err
    assert "ZeroDivisionError" not in broken.err
    assert "asyncwatch" not in broken.err
    lines = lines_of(out)
    faults = [line["evidence"]["part"] for line in lines if line["code"] == "AW001"]
    assert len(faults) == len(set(faults)) > 0
    assert all("ZeroDivisionError: a fault of our own" in line["event"] for line in lines if line["code"] == "AW001")
    if part is not None:
        assert faults == [part]
    assert lines[-1]["code"] == "AW099"


def test_the_rest_goes_on(program: Any, tmp_path: Path) -> None:
    """With the sweeper broken, stalls, failures and forgotten coroutines are still found."""
    out = tmp_path / "out"
    run_program(program, BREAK.format(target="sweep.Sweeper.__call__") + PROGRAM, str(out), "asyncio")
    codes = {line["code"] for line in lines_of(out)}
    assert codes >= {"AW001", "AW101", "AW204", "AW301", "AW403"}


def test_what_we_no_longer_hear_the_standard_library_says(program: Any, tmp_path: Path) -> None:
    """When the hook that takes a report over breaks, asyncio's and the interpreter's own reports are back."""
    text = """
async def fails():
    raise ValueError("task")

async def main():
    asyncio.create_task(fails())
    await asyncio.sleep(0.05)
    gc.collect()
    fails()

run(main())
"""
    for target in ("exceptions.ExceptionTap._event", "coroutines.CoroutineTap._seen"):
        done = run_program(program, BREAK.format(target=target) + text, str(tmp_path / "out"), "asyncio")
        words = "exception was never retrieved" if "Exception" in target else "was never awaited"
        assert words in done.err


# -- what we keep alive --

ALIVE = """
class Value:
    pass

gone = []

async def work(value):
    weakref.finalize(value, gone.append, "value")
    await asyncio.sleep(0.02)

async def main():
    gc.collect()
    gc.disable()
    coro = work(Value())
    weakref.finalize(coro, gone.append, "coroutine")
    task = asyncio.create_task(coro)
    weakref.finalize(task, gone.append, "task")
    del coro
    await task
    print(sorted(gone))
    del task
    print(sorted(gone))
    gone.clear()
    failed = asyncio.create_task(failing(Value()))
    with contextlib.suppress(KeyError):
        await failed
    del failed
    print(sorted(gone))
    gone.clear()
    future = asyncio.get_running_loop().run_in_executor(None, int)
    weakref.finalize(future, gone.append, "future")
    await future
    del future
    async with await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        weakref.finalize(writer, gone.append, "writer")
        writer.close()
        del reader, writer
    await asyncio.sleep(0.05)
    gc.collect()
    print(sorted(gone))
    gone.clear()
    dropped = weakref.ref(asyncio.create_task(work(Value())))
    await asyncio.sleep(0.1)
    print(dropped(), sorted(gone))
    gone.clear()
    blocked(Value())
    await asyncio.sleep(0.05)
    print(gone)
    for size in range(3):
        gone.clear()
        orphan(size, Value())
        gc.collect()
        print(gone)

def blocked(value):
    weakref.finalize(value, gone.append, "blocked")
    time.sleep(0.25)

async def failing(value):
    weakref.finalize(value, gone.append, "failed")
    await asyncio.sleep(0)
    raise KeyError(1)

async def waits_for_ever(value):
    weakref.finalize(value, gone.append, "destroyed while pending")
    await asyncio.get_running_loop().create_future()

def orphan(size, value):
    task = asyncio.create_task(waits_for_ever(value))
    task._log_destroy_pending = False

run(main())
loops = []
def keep():
    loop = new_loop()
    loops.append(weakref.ref(loop))
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()
for _ in range(3):
    keep()
gc.collect()
print([ref() for ref in loops])
"""


@each_loop
def test_nothing_of_the_programs_lives_longer(program: Any, kind: str) -> None:
    """Tasks, coroutines, their variables and closed loops are gone when they would be gone without us."""
    bare = run_program(program, ALIVE, kind)
    assert bare.status == 0, bare.err
    install = "import asyncwatch\nwatch = asyncwatch.install(output=())\n"
    watched = run_program(program, install + ALIVE, kind)
    assert outcome(watched) == outcome(bare), watched.err


@each_loop
def test_a_destroyed_task_is_destroyed_with_us_too(program: Any, kind: str) -> None:
    """A pending task that nobody can reach is collected as without us; it is reported once, by AW203 or by asyncio."""
    text = """
async def waits_for_ever():
    await asyncio.get_running_loop().create_future()

async def main():
    ref = weakref.ref(asyncio.create_task(waits_for_ever()))
    await asyncio.sleep(1.2)
    gc.collect()
    print(ref())

run(main())
"""
    bare = run_program(program, text, kind)
    standard = "Task was destroyed but it is pending!"
    for ignored in (True, False):
        start = f"import asyncwatch\nwatch = asyncwatch.install(ignore={{'AW203'}} if {ignored} else set(), format='json')\n"
        watched = run_program(program, start + text, kind)
        assert outcome(watched) == outcome(bare) == (0, "None\n")
        assert (standard in watched.err, '"AW203"' in watched.err) == (ignored, not ignored)


# -- fork --

FORK = """
import warnings
warnings.simplefilter("error")

async def child():
    await asyncio.sleep(0.05)
    time.sleep(0.25)
    await asyncio.sleep(0.05)

async def parent():
    await asyncio.sleep(0.2)
    pid = os.fork()
    if not pid:
        try:
            # The child leaves the parent's running loop behind, as a worker of a pre-forking server does.
            asyncio._set_running_loop(None)
            run(child())
            sys.stdout.write("child ended\\n")
            sys.stdout.flush()
            watch.uninstall()
        finally:
            os._exit(7)
    await asyncio.sleep(0.05)
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            break
        await asyncio.sleep(0.02)
    time.sleep(0.25)
    await asyncio.sleep(0.05)
    print(os.waitstatus_to_exitcode(status), len(os.listdir("/proc/self/task")) > 1, threading.active_count())
    return pid

import asyncwatch
watch = asyncwatch.install(format="json", output=(sys.argv.pop(1),), stuck_after=0.2)
print(run(parent()) != os.getpid())
"""


@each_loop
def test_a_fork_in_a_running_loop(program: Any, tmp_path: Path, kind: str) -> None:
    """A fork warns of no thread of ours; child and parent are both watched, each line under its own process id."""
    out = tmp_path / "out"
    done = run_program(program, FORK, str(out), kind)
    assert done.status == 0, done.err
    assert sorted(done.out.splitlines()) == ["7 True 1", "True", "child ended"]
    by_pid: dict[int, list[str]] = {}
    for line in lines_of(out):
        by_pid.setdefault(line["pid"], []).append(line["code"])
    assert len(by_pid) == 2
    assert all(codes.count("AW101") == 1 for codes in by_pid.values())
    assert all([codes[0], codes[-1]] == ["AW000", "AW099"] for codes in by_pid.values())
    assert sorted(line["where"]["function"] for line in lines_of(out) if line["code"] == "AW101") == ["child", "parent"]


def test_multiprocessing_by_fork(program: Any, tmp_path: Path) -> None:
    """Worker processes made by fork run their own loops, are watched, and end with their own exit status."""
    text = """
import multiprocessing, warnings
warnings.simplefilter("error")

async def work(number):
    await asyncio.sleep(0.05)
    time.sleep(0.25)
    await asyncio.sleep(0.05)

def worker(number):
    run(work(number))
    sys.exit(number)

if __name__ == "__main__":
    import asyncwatch
    watch = asyncwatch.install(format="json", output=(sys.argv.pop(1),), stuck_after=0.2)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=worker, args=(number,)) for number in (3, 4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print([process.exitcode for process in processes])
"""
    out = tmp_path / "out"
    done = run_program(program, text, str(out), "asyncio")
    assert (done.status, done.out) == (0, "[3, 4]\n"), done.err
    slow = [line for line in lines_of(out) if line["code"] == "AW101"]
    assert len({line["pid"] for line in slow}) == len(slow) == 2


def test_a_subprocess_by_exec_is_not_touched(program: Any, tmp_path: Path) -> None:
    """A child program started by fork and exec inherits no descriptor and no variable of ours."""
    text = """
import subprocess
show = "import os; print(sorted(os.listdir('/proc/self/fd')), sorted(os.environ))"
def child():
    return subprocess.run([sys.executable, "-S", "-c", show], capture_output=True, close_fds=False).stdout
before = child()
import asyncwatch
watch = asyncwatch.install(format="json", output=(sys.argv.pop(1),), stuck_after=0.2)
print(child() == before)
"""
    assert run_program(program, text, str(tmp_path / "out")).out == "True\n"


# -- secrets --

SECRET = "swordfish"

SECRETS = f"""
import contextvars
token = contextvars.ContextVar("token")

async def save(password):
    local = password
    raise ValueError("refused")

async def login(password="{SECRET}-default"):
    local = "{SECRET}" + "-local"
    token.set("{SECRET}-context")
    asyncio.create_task(save("{SECRET}-argument"))
    asyncio.create_task(asyncio.sleep(0.7, "{SECRET}-result"))
    asyncio.get_running_loop().call_soon(refuse, "{SECRET}-callback")
    await asyncio.sleep(0.1)
    hold("{SECRET}-held")
    await asyncio.sleep(0.05)
    save("{SECRET}-forgotten")
    orphan = asyncio.create_task(asyncio.sleep(60, "{SECRET}-left"))
    await asyncio.sleep(0.7)
    gc.collect()

def refuse(password):
    raise ValueError("refused")

def hold(password):
    local = {{"password": password}}
    time.sleep(0.25)

run(login())
"""


@each_loop
@pytest.mark.parametrize("profile", ["light", "debug"])
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_value_of_the_programs_in_any_output(
    program: Any, tmp_path: Path, kind: str, profile: str, form: str
) -> None:
    """No variable, argument, result or environment value reaches an output; source lines are all it shows."""
    path = program(START + SECRETS)
    environment = {"API_TOKEN": f"{SECRET}-environment"}
    options = ["--format", form, "--level", "info"]
    out = tmp_path / "found"
    if form == "console":
        # The console shows the program's source line, where these secrets stand; a copy without the source has none.
        code = f"exec(compile({path.read_text()!r}, '/nowhere/program.py', 'exec'))"
        path = program("import sys\n" + code, "wrapped.py")
    command = ["-m", "asyncwatch", "--profile", profile, "--output", str(out), *options, str(path), kind]
    done = run_python(*command, cwd=tmp_path, **environment)
    assert done.status == 0, done.err
    text = out.read_text()
    for code in ("AW101", "AW204", "AW301", "AW403"):
        assert code in text
    assert SECRET not in text


# -- what the program sees --


@each_loop
def test_the_programs_factory_is_its_own(program: Any, tmp_path: Path, kind: str) -> None:
    """The program's task factory gets every keyword it would get without us, and is what get_task_factory returns."""
    text = """
seen = []

def factory(loop, coro, **kwargs):
    seen.append({key: type(value).__name__ for key, value in kwargs.items()})
    kwargs.pop("eager_start", None)
    return asyncio.Task(coro, loop=loop, **kwargs)

async def nothing():
    pass

async def main():
    import contextvars
    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    await loop.create_task(nothing())
    await loop.create_task(nothing(), name="named")
    await asyncio.create_task(nothing(), context=contextvars.copy_context())
    async with asyncio.TaskGroup() as group:
        group.create_task(nothing(), name="grouped")
    await asyncio.gather(nothing())
    await asyncio.wait_for(nothing(), 1)
    print(loop.get_task_factory() is factory, seen)
    loop.set_task_factory(lambda loop, coro, **kwargs: coro.close())
    try:
        print(loop.create_task(nothing()))
    except AttributeError as error:  # what some patch releases say to a factory that makes no task
        print(error)
    loop.set_task_factory(None)
    for bad in (lambda: loop.create_task(1), lambda: loop.create_task(), lambda: loop.create_task(1, 2, 3)):
        try:
            bad()
        except TypeError as error:
            print(type(error).__name__)

run(main())
"""
    bare = run_program(program, text, kind)
    assert bare.status == 0, bare.err
    watched = run_watched(program(START + text), kind, folder=tmp_path)
    assert outcome(watched) == outcome(bare), watched.err
    assert watched.findings == []


def test_names_and_tracebacks_are_the_programs(program: Any, tmp_path: Path) -> None:
    """Task names count from where they would, and no frame or line of ours is in a traceback or a task's stack."""
    text = """
import traceback

async def fails():
    raise ValueError("x")

async def main():
    task = asyncio.create_task(fails())
    print(task.get_name(), asyncio.current_task().get_name())
    try:
        await task
    except ValueError:
        print(traceback.format_exc())
    print([thread.name for thread in threading.enumerate()], threading.active_count())
    print(type(asyncio.create_task(asyncio.sleep(0))).__module__, type(asyncio.sleep(0).close()).__name__)

run(main())
"""
    path = program(START + text)
    bare = run_python(str(path), cwd=tmp_path)
    watched = run_watched(path, folder=tmp_path)
    assert bare.out == watched.out
    assert bare.status == watched.status
    assert "asyncwatch" not in watched.err + watched.out


@each_loop
def test_debug_stacks_name_the_programs_lines(program: Any, kind: str) -> None:
    """In debug mode a task's recorded creation stack ends at the program's own line, as without us."""
    text = """
async def main():
    task = asyncio.create_task(asyncio.sleep(0))
    print([(frame.name, frame.line) for frame in task._source_traceback][-1])
    handle = asyncio.get_running_loop().call_later(9, int)
    print([(frame.name, frame.line) for frame in handle._source_traceback][-1])
    handle.cancel()
    future = asyncio.get_running_loop().run_in_executor(None, int)
    print([(frame.name, frame.line) for frame in future._source_traceback])
    await future
    await task

run(main())
"""
    bare = run_program(program, text, kind, PYTHONASYNCIODEBUG="1")
    assert bare.status == 0, bare.err
    install = "import asyncwatch\nwatch = asyncwatch.install(output=())\n"
    watched = run_program(program, install + text, kind, PYTHONASYNCIODEBUG="1")
    assert outcome(watched) == outcome(bare)


def test_the_programs_own_handlers_still_hear(program: Any, tmp_path: Path) -> None:
    """A logging handler, a warnings recorder and an exception handler of the program get what they would without us."""
    text = """
import logging, warnings

class Handler(logging.Handler):
    def emit(self, record):
        print("logged", record.levelname, record.getMessage().splitlines()[0][:40])

logging.getLogger("asyncio").addHandler(Handler())

async def fails():
    raise ValueError("x")

async def main():
    asyncio.create_task(fails())
    asyncio.get_running_loop().call_soon(int, "x")
    await asyncio.sleep(0.05)
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fails()
    print([(str(one.message), one.category.__name__, one.lineno) for one in caught])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fails()
    warnings.showwarning = lambda message, *args, **kwargs: print("shown", message)
    fails()

run(main())
"""
    path = program(START + text)
    bare = run_python(str(path), cwd=tmp_path)
    watched = run_watched(path, folder=tmp_path)
    assert bare.status == 0, bare.err
    assert outcome(watched) == outcome(bare)
    assert {line["code"] for line in watched.findings} == {"AW204", "AW301", "AW403"}


def test_a_program_that_removes_its_folder_goes_on(program: Any, tmp_path: Path) -> None:
    """In a process without a current directory every rule still works."""
    text = """
import tempfile
folder = tempfile.mkdtemp()
os.chdir(folder)
os.rmdir(folder)
sys.path.insert(0, "")

async def main():
    await asyncio.sleep(0.05)
    time.sleep(0.25)
    await asyncio.sleep(0.05)

run(main())
print("ended")
"""
    watched = run_watched(program(START + text), folder=tmp_path)
    assert outcome(watched) == (0, "ended\n"), watched.err
    assert [line["code"] for line in watched.findings] == ["AW101"]


def test_code_with_an_odd_file_name_is_still_reported(program: Any, tmp_path: Path) -> None:
    """Generated code whose file name no file can have is a place like any other, whatever the form of output."""
    text = """
source = '''
async def main():
    await asyncio.sleep(0.05)
    time.sleep(0.25)
    await asyncio.sleep(0.05)
'''
for name in ("<generated>", "/nowhere/\\ud800.py", "relative.py", "", "x" * 3000, "/two\\nlines.py"):
    space = {"asyncio": asyncio, "time": time}
    exec(compile(source, name, "exec"), space)
    run(space["main"]())
print("ended")
"""
    path = program(START + text)
    watched = run_watched(path, folder=tmp_path)
    assert outcome(watched) == (0, "ended\n"), watched.err
    assert [line["code"] for line in watched.findings] == ["AW101"] * 6
    shown = run_python(
        "-m", "asyncwatch", "--profile", "light", "--level", "info", "--format", "console", str(path), cwd=tmp_path
    )
    assert (shown.err.count("AW101 slow-callback step"), shown.err.count("AW001")) == (6, 0)


def test_an_output_that_breaks_is_said_on_standard_error_and_the_program_goes_on(program: Any, tmp_path: Path) -> None:
    """A full disk behind the only output: AW001 once on standard error, the summary, and the program's own end."""
    text = """
async def main():
    time.sleep(0.25)
    await asyncio.sleep(0.05)

run(main())
print("ended")
"""
    path = program(START + text)
    done = run_python("-m", "asyncwatch", "--profile", "light", "--output", "/dev/full", str(path), cwd=tmp_path)
    assert outcome(done) == (0, "ended\n")
    assert [json.loads(line)["code"] for line in done.err.splitlines()] == ["AW001", "AW099"]


FLOOD = """
async def main():
    for number in range(12):
        exec(compile("\\n" * number + "time.sleep(0.11)", "generated.py", "exec"))
        await asyncio.sleep(0.01)

run(main())
print("ended", flush=True)
"""


def test_what_a_full_output_lost_is_counted(program: Any, tmp_path: Path) -> None:
    """Nothing reached the full disk: the summary on standard error has the number of lines that should have."""
    path = program(START + FLOOD)
    done = run_python("-m", "asyncwatch", "--profile", "light", "--output", "/dev/full", str(path), cwd=tmp_path)
    fault, summary = (json.loads(line)["evidence"] for line in done.err.splitlines())
    assert fault["part"] == "sinks./dev/full"
    # The first line, then each finding but the one that says what happened, which went to standard error as well.
    assert summary["lines_lost"] == 1 + sum(summary["findings"].values())


@pytest.mark.parametrize("closing", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_stay_the_programs(program: Any, tmp_path: Path, closing: str) -> None:
    """Where standard error was closed, the program's first file has its number: not a byte of ours is in it."""
    text = """
kept = [open(f"own-{number}", "w") for number in range(3)]
print([file.fileno() for file in kept], file=kept[0], flush=True)
""" + FLOOD.replace("print(", "print(file=kept[0], *")
    path = program(START + text)
    command = f"exec '{sys.executable}' -m asyncwatch --profile light '{path}' {closing}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=clean_environment(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    own = [(tmp_path / f"own-{number}").read_text() for number in range(3)]
    assert "2" in own[0]
    assert (own[0].splitlines()[1:], own[1:]) == (["e n d e d"], ["", ""])


def test_an_output_nobody_reads_holds_nothing_up(program: Any, tmp_path: Path) -> None:
    """Standard error is a full pipe: the program ends by itself; its reader, late, finds whole lines."""
    path = program(START + FLOOD)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n" * 4096)
    os.set_blocking(writer, True)
    command = [sys.executable, "-m", "asyncwatch", "--profile", "light", str(path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, stderr=writer, timeout=60, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stdout) == (0, b"ended\n")
    with open(reader, "rb") as pipe:
        assert pipe.read().strip() == b""


def test_the_watcher_imports_nothing_while_the_program_runs(program: Any, tmp_path: Path) -> None:
    """A program that walks through `sys.modules` meanwhile finds it as it left it, whatever is being reported."""
    text = """
async def forgotten():
    pass

async def main():
    await asyncio.sleep(0.05)
    before = set(sys.modules)
    time.sleep(0.25)
    forgotten()
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.3)
    print(sorted(set(sys.modules) - before))
    for module in sys.modules.values():
        hasattr(module, "__warningregistry__")

run(main())
print("structlog" in sys.modules)
import structlog
structlog.get_logger().info("the program's own")
"""
    path = program(START + text)
    for form in ("console", "json"):
        done = run_python("-m", "asyncwatch", "--profile", "light", "--format", form, str(path), cwd=tmp_path)
        assert done.status == 0, done.err
        assert done.out.startswith("[]\nFalse\n")
        assert "the program's own" in done.out
        assert all(code in done.err for code in ("AW101", "AW301", "AW403"))
