"""No residue: after `uninstall` the interpreter is as it was found. Each case in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import each_loop, run_python

# Everything that a hook of ours replaces or could leave behind, as it stands in a process now. ctypes is imported before:
# a libffi that maps its own file keeps it open from then on, whoever imports it.
PICTURE = """
import asyncio, concurrent.futures, ctypes, gc, logging, os, socket, subprocess, sys, threading, time, warnings
from asyncio import base_events, runners
kind = sys.argv[1]
classes = [base_events.BaseEventLoop, asyncio.AbstractEventLoop, asyncio.SelectorEventLoop, asyncio.Task, asyncio.Future,
           asyncio.Lock, asyncio.BaseTransport, asyncio.StreamWriter, base_events.Server]
if kind == "uvloop":
    import uvloop
    from uvloop.loop import Loop
    classes += [uvloop.Loop, Loop]

destroyed = [base_events.BaseEventLoop, asyncio.selector_events._SelectorTransport, asyncio.StreamWriter,
             asyncio.base_subprocess.BaseSubprocessTransport, asyncio.sslproto._SSLProtocolTransport, subprocess.Popen]

def new_loop():
    return uvloop.new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()

def handlers():
    found = [logging.lastResort]
    for name in ("asyncio", None):
        found += logging.getLogger(name).handlers
    return found

def functions_of(module):
    return {k: v for k, v in vars(module).items() if callable(v)}

def picture():
    gc.collect()
    # A thread that has ended leaves the process table a moment later than it says so.
    for _ in range(1000):
        if len(os.listdir("/proc/self/task")) == 1:
            break
        time.sleep(0.005)
    seen = {f"{cls.__module__}.{cls.__qualname__}": {k: v for k, v in vars(cls).items() if k != "__abstractmethods__"}
            for cls in classes}
    for module in (asyncio, asyncio.events, asyncio.tasks, asyncio.futures, runners, base_events, threading,
                   gc, time, os, logging):
        seen[module.__name__] = {k: v for k, v in vars(module).items() if callable(v) and k[0] != "_" or k in ("_cancel_all_tasks",)}
    seen["destructors"] = {cls: cls.__del__.__defaults__ for cls in destroyed}
    seen["streams"] = asyncio.streams.warnings
    seen["warnings"] = functions_of(warnings)
    seen["filters"] = list(warnings.filters)
    seen["sys"] = (sys.unraisablehook, sys.excepthook, threading.excepthook, sys.gettrace(), sys.getprofile(),
                   sys.get_asyncgen_hooks(), sys.get_coroutine_origin_tracking_depth(), sys.getswitchinterval(),
                   sys.displayhook, sys.breakpointhook, threading._trace_hook, threading._profile_hook)
    seen["gc"] = (list(gc.callbacks), gc.get_threshold(), gc.isenabled(), gc.get_debug())
    seen["logging"] = [(id(h), list(h.filters), h.level) for h in handlers()]
    seen["logger"] = (list(logging.getLogger("asyncio").filters), logging.getLogger("asyncio").level)
    seen["threads"] = threading.enumerate()
    seen["_active"] = list(threading._active)
    seen["tasks"] = len(os.listdir("/proc/self/task"))
    seen["fds"] = {n: os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")}
    seen["environ"] = dict(os.environ)
    seen["path"] = (list(sys.path), list(sys.meta_path), list(sys.path_hooks), list(sys.argv))
    import signal
    seen["signals"] = {s: signal.getsignal(s) for s in signal.valid_signals()}
    with open("/proc/self/status") as status:
        seen["kernel"] = {line.split()[0]: line.split()[1] for line in status if line.startswith(("SigPnd", "SigBlk", "SigIgn", "SigCgt"))}
    if os.path.exists("/proc/self/timers"):
        with open("/proc/self/timers") as timers:
            seen["timers"] = timers.read()
    return seen

def compare(before, after):
    for key, value in before.items():
        if value != after[key]:
            if isinstance(value, dict):
                for name in sorted(value.keys() | after[key].keys(), key=str):
                    if value.get(name, "absent") != after[key].get(name, "absent"):
                        print("changed:", key, name, value.get(name, "absent"), "->", after[key].get(name, "absent"))
            else:
                print("changed:", key, value, "->", after[key])

async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(fails)
    forgotten()
    asyncio.create_task(failing())
    asyncio.create_task(asyncio.sleep(0.8))
    async for number in numbers():
        break
    await asyncio.sleep(0.1)
    time.sleep(0.2)
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
    for _ in range(2):
        loop.run_in_executor(None, time.sleep, 0.25)
    loop.run_in_executor(None, int, "no number")
    threading.Thread(target=create_later, args=(loop,)).start()
    await asyncio.sleep(0.6)
    left, right = socket.socketpair()
    await forget(left)
    right.close()
    gc.collect()

def create_later(loop):
    time.sleep(0.1)
    try:
        loop.create_task(asyncio.sleep(0))
    except RuntimeError:
        pass

async def forget(sock):
    await asyncio.open_connection(sock=sock)

def fails():
    raise ValueError("callback")

async def failing():
    raise ValueError("task")

async def coro():
    pass

async def numbers():
    yield 1
    yield 2

def forgotten():
    coro()

def use():
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())

import asyncwatch, asyncwatch.session, structlog, structlog.processors

# What the first loop of a process keeps for the others is the loop's own.
with asyncio.Runner(loop_factory=new_loop) as runner:
    runner.run(asyncio.to_thread(int))
"""


def run(program: Any, text: str, kind: str) -> tuple[str, str]:
    done = run_python(str(program(PICTURE + text)), kind, cwd=Path.cwd())
    assert done.status == 0, done.err
    return done.out, done.err


@each_loop
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_the_interpreter_is_left_as_it_was_found(program: Any, kind: str, profile: str) -> None:
    """A watch around a program that sets off every rule leaves no patch, thread, descriptor, filter or hook behind."""
    text = f"""
with asyncwatch.watch(output=()):
    pass
before = picture()
with asyncwatch.watch({profile!r}, output=()) as watch:
    assert functions_of(warnings) != before["warnings"]
    use()
    watch.flush()
    print(sorted({{finding.rule.code for finding in watch.findings}}))
compare(before, picture())
"""
    out, _ = run(program, text, kind)
    assert out == "['AW101', 'AW105', 'AW201', 'AW204', 'AW301', 'AW302', 'AW303', 'AW401', 'AW402', 'AW403']\n"


@each_loop
def test_installing_leaves_the_environment_and_the_threads_alone(program: Any, kind: str) -> None:
    """While it watches, no thread of ours is enumerated, nothing is in the environment, and in the signal table at most
    one real-time signal that nobody used."""
    text = """
before = picture()
with asyncwatch.watch(output=()) as watch:
    use()
    watch.flush()
    during = picture_of_the_public()
before["signals"] = {s: before["signals"][s] for s in during["signals"]}
compare({key: before[key] for key in during}, during)
print(watch.findings != ())
"""
    start = """
def picture_of_the_public():
    gc.collect()
    seen = {"threads": threading.enumerate(), "environ": dict(os.environ), "_active": list(threading._active)}
    import signal
    taken = [s for s in signal.valid_signals() if "asyncwatch" in repr(signal.getsignal(s))]
    assert len(taken) <= 1 and all(s >= signal.SIGRTMIN for s in taken), taken
    seen["signals"] = {s: signal.getsignal(s) for s in signal.valid_signals() if s not in taken}
    return seen
"""
    out, _ = run(program, start + text, kind)
    assert out == "True\n"


@each_loop
def test_a_second_watch_works_as_the_first_did(program: Any, kind: str) -> None:
    """Installing, uninstalling and installing again sees the same and leaves the same."""
    text = """
before = picture()
for _ in range(3):
    with asyncwatch.watch(output=()) as watch:
        use()
        watch.flush()
        print(sorted({finding.rule.code for finding in watch.findings}))
compare(before, picture())
"""
    out, _ = run(program, text, kind)
    assert out == "['AW101', 'AW105', 'AW201', 'AW204', 'AW301', 'AW302', 'AW303', 'AW401', 'AW402', 'AW403']\n" * 3


@each_loop
def test_uninstalling_twice_does_no_harm(program: Any, kind: str) -> None:
    """A second `uninstall` changes nothing."""
    text = """
before = picture()
watch = asyncwatch.install(output=())
watch.uninstall()
watch.uninstall()
compare(before, picture())
print("ended")
"""
    assert run(program, text, kind)[0] == "ended\n"


@each_loop
def test_the_task_factory_is_the_programs(program: Any, kind: str) -> None:
    """A loop has no task factory but the program's own, during the watch and after it."""
    text = """
def factory(loop, coro, **kwargs):
    kwargs.pop("eager_start", None)
    return asyncio.Task(coro, loop=loop, **kwargs)

async def look():
    loop = asyncio.get_running_loop()
    assert loop.get_task_factory() is None
    loop.set_task_factory(factory)
    assert loop.get_task_factory() is factory
    await asyncio.create_task(asyncio.sleep(0))
    return loop

loop = new_loop()
with asyncwatch.watch(output=()):
    loop.run_until_complete(look())
print(loop.get_task_factory() is factory)
loop.close()
"""
    assert run(program, text, kind)[0] == "True\n"


@each_loop
def test_a_watch_inside_a_running_loop_ends_inside_it(program: Any, kind: str) -> None:
    """Installed and uninstalled while a loop runs, the loop goes on as if nothing had been."""
    text = """
async def inside():
    before = picture()
    with asyncwatch.watch(output=()) as watch:
        await asyncio.sleep(0.1)
        time.sleep(0.25)
        await asyncio.sleep(0.1)
        watch.flush()
        print([finding.rule.code for finding in watch.findings])
    await asyncio.sleep(0)
    compare(before, picture())
    await asyncio.gather(asyncio.create_task(asyncio.sleep(0.01)), asyncio.sleep(0))

with asyncio.Runner(loop_factory=new_loop) as runner:
    runner.run(inside())
"""
    assert run(program, text, kind)[0] == "['AW101']\n"


def test_a_patch_on_top_of_ours_is_left_alone_and_said(program: Any, tmp_path: Path) -> None:
    """What the program patched over a patch of ours stays the program's, works on, and the run says so."""
    text = f"""
watch = asyncwatch.install(output=({str(tmp_path / "out")!r},), format="json")
ours = base_events.BaseEventLoop.create_task
calls = []

def create_task(self, coro, **kwargs):
    calls.append(coro.__name__)
    return ours(self, coro, **kwargs)

base_events.BaseEventLoop.create_task = create_task
watch.uninstall()
print(base_events.BaseEventLoop.create_task is create_task)
asyncio.run(coro())
print(calls[0])
print(base_events.BaseEventLoop.close.__module__, hasattr(base_events.BaseEventLoop.close, "__wrapped__"))
"""
    out, _ = run(program, text, "asyncio")
    assert out.splitlines() == ["True", "coro", "asyncio.base_events False"]
    assert "BaseEventLoop.create_task" in (tmp_path / "out").read_text()


def test_importing_is_not_installing(program: Any) -> None:
    """`import asyncwatch` patches nothing, starts nothing and does not import asyncio for the program."""
    text = """
import sys
before = set(sys.modules)
import asyncwatch
print(sorted(name for name in set(sys.modules) - before if name.split(".")[0] in ("asyncio", "structlog", "logging", "threading")))
"""
    done = run_python(str(program(text)), cwd=Path.cwd())
    assert (done.out, done.status) == ("[]\n", 0)


def test_a_finished_program_leaves_no_thread_waiting(program: Any) -> None:
    """A program that ends without uninstalling ends, says its summary, and its own exit handlers ran before."""
    text = """
import atexit
watch = asyncwatch.install(format="json")
atexit.register(print, "the program's own exit handler")
use()
"""
    out, err = run(program, text, "asyncio")
    assert out == "the program's own exit handler\n"
    assert '"AW099"' in err.splitlines()[-1]
