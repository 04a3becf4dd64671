"""Blocking calls as the hooks see them: what is asked of a call, what is allowed, and what is left behind."""

from __future__ import annotations

import asyncio
import io
import queue
import socket
import sys
import threading
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from conftest import ROOT, run_python, run_watched
from test_config import ROW

from asyncwatch.blocking_calls import CALLS
from asyncwatch.config import ConfigError, parse_option
from asyncwatch.hooks.quiet import Allowed
from asyncwatch.hooks.waits import QUESTIONS, constants

monitored = pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="needs sys.monitoring")
NOWHERE: tuple[CodeType, int] = compile("", "nowhere", "exec"), 0


def ask(question: str, first: Any, **given: Any) -> bool:
    return QUESTIONS[question](first, given, *NOWHERE)


def called(text: str) -> tuple[CodeType, int]:
    """The code of a call expression, and the place of its last call."""
    import dis

    code = compile(text, "call", "eval")
    return code, [one.offset for one in dis.get_instructions(code) if one.opname.startswith("CALL")][-1]


def test_every_question_of_the_table_can_be_asked() -> None:
    """The table names no question that nobody answers."""
    assert {call.waits for call in CALLS.values()} - {""} <= QUESTIONS.keys()


@pytest.mark.parametrize(
    ("question", "first", "waits"),
    [
        ("seconds", 0.1, True),
        ("seconds", 0, False),
        ("path", "/srv/a", True),
        ("path", b"/srv/a", True),
        ("path", 3, False),
        ("path", "/proc/self/stat", False),
        ("path", b"/dev/null", False),
        ("database", "shop.db", True),
        ("database", ":memory:", False),
        ("host", "example.org", True),
        ("host", b"example.org", True),
        ("host", "192.0.2.1", False),
        ("host", "fe80::1%eth0", False),
        ("host", None, False),
        ("file", io.StringIO(), False),
        ("file", io.TextIOWrapper(io.BytesIO()), False),
        ("descriptor", 2, False),
    ],
)
def test_a_call_waits_or_does_not(question: str, first: Any, waits: bool) -> None:
    """What needs no disk, no name server and no time is no wait."""
    assert ask(question, first) is waits


def test_a_socket_waits_unless_it_is_non_blocking_or_for_datagrams() -> None:
    """A timeout of 0 and a datagram never wait for the other side."""
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        assert ask("socket", stream)
        assert ask("sends", stream)
        assert ask("socket", datagrams)
        assert not ask("sends", datagrams)
        stream.settimeout(0)
        assert not ask("socket", stream)


def test_a_thread_is_waited_for_while_it_lives() -> None:
    """Not before its start, not after its end, not with a timeout of 0."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    assert not ask("thread", thread)
    thread.start()
    assert ask("thread", thread)
    assert not ask("thread", thread, timeout=0)
    assert not ask("thread", threading.current_thread())
    end.set()
    thread.join()
    assert not ask("thread", thread)


@monitored
@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("f()", {}),
        ("f(False)", {"0": False}),
        ("f(True, 5)", {"0": True, "1": 5}),
        ("f(timeout=0)", {"timeout": 0}),
        ("f(True, timeout=-1.5)", {"0": True, "timeout": -1.5}),
        ("f(*a)", None),
        ("f(**a)", None),
    ],
)
def test_constant_arguments_are_read_from_the_call(text: str, known: dict[str, Any] | None) -> None:
    """What a call says by constants is known; unpacked arguments are not."""
    assert constants(*called(text)) == known


@monitored
@pytest.mark.parametrize(
    ("text", "waits"),
    [
        *[(text, True) for text in ("f()", "f(True)", "f(True, 5)", "f(timeout=5)", "f(blocking=True)", "f(1, -1)")],
        *[(text, False) for text in ("f(False)", "f(blocking=False)", "f(True, 0)", "f(timeout=0)", "f(0)")],
        *[(text, False) for text in ("f(x)", "f(timeout=x)", "f(True, x)", "f(*x)", "f(timeout=x.y)", "f(x())")],
    ],
)
def test_a_lock_is_waited_for_if_the_call_surely_says_so(text: str, waits: bool) -> None:
    """Taken by somebody, and told by constants to wait: a call that does not show it is not reported."""
    lock, jobs = threading.Lock(), queue.SimpleQueue[int]()
    assert not QUESTIONS["lock"](lock, {}, *called(text))
    lock.acquire()
    assert QUESTIONS["lock"](lock, {}, *called(text)) is waits
    assert QUESTIONS["queue"](jobs, {}, *called(text)) is waits
    jobs.put(1)
    assert not QUESTIONS["queue"](jobs, {}, *called(text))


def function_of(module: str, name: str, file: str) -> list[tuple[CodeType, str]]:
    return [(ask.__code__.replace(co_filename=file, co_qualname=name), module)]


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("time.sleep", True),
        ("time.*", True),
        ("*", True),
        ("open", False),
        ("time.sleep:shop.legacy", True),
        ("time.sleep:shop.legacy.Till", True),
        ("time.sleep:shop.legacy.Till.wait", True),
        ("time.sleep:shop.*", True),
        ("time.sleep:shop", False),
        ("time.sleep:other", False),
        ("time.sleep:*/legacy.py", True),
        ("*:/app/shop/*", True),
        ("*:*/data/*", True),
        ("*:*/templates/*", False),
        ("open:*/data/*", False),
    ],
)
def test_a_rule_allows_by_call_and_place(rule: str, allowed: bool) -> None:
    """The call's name, and if a place is given a module, a function, a file of code or the path that is opened."""
    frames = function_of("shop.legacy", "Till.wait", "/app/shop/legacy.py")
    assert Allowed([rule]).allows("time.sleep", frames, "/srv/data/x") is allowed


def test_rules_are_read_from_text_and_from_toml() -> None:
    """By commas in an option or a variable, as a list in pyproject.toml; a rule without a call is refused."""
    row = ROW["allow-blocking"]
    assert parse_option(row, "open:*/a/*, time.sleep", "here") == ("open:*/a/*", "time.sleep")
    assert parse_option(row, ["open:*/a/*", "time.sleep"], "here") == ("open:*/a/*", "time.sleep")
    for broken in (":shop", "open:", "/srv/x", "open file"):
        with pytest.raises(ConfigError, match=r"here: .* is not valid, expected CALL or CALL:PLACE"):
            parse_option(row, broken, "here")


def test_a_place_is_said_once_and_its_calls_are_counted(program: Any, tmp_path: Path) -> None:
    """A flood is one finding, and a number in the summary."""
    text = """
import asyncio, time
async def main():
    for _ in range(500):
        time.sleep(1e-9)
asyncio.run(main())
"""
    run = run_watched(program(text), folder=tmp_path, options=["--extend-select", "AW104"])
    assert [(line["code"], line["count"]) for line in run.findings if line["code"] == "AW104"] == [("AW104", 1)]
    assert run.lines[-1]["evidence"]["blocking_calls"] == 500


RESIDUE = """
import asyncio, socket, subprocess, sys, threading, time
added = []
sys.addaudithook(lambda event, args: added.append(event) if event == "sys.addaudithook" else None)
import asyncwatch
from asyncwatch.hooks import audit

@asyncwatch.not_in_async
def load(): return 1

def picture():
    monitoring = getattr(sys, "monitoring", None)
    classes = [vars(one).copy() for one in (socket.socket, threading.Thread, threading.Condition, subprocess.Popen)]
    local = [monitoring.get_local_events(i, f.__code__) for i in (3, 4) for f in (load, threading.Condition.wait)
             if monitoring.get_tool(i)] if monitoring else []
    tools = [monitoring.get_tool(i) for i in range(6)] if monitoring else []
    return classes, time.sleep, tools, local, dict(audit._wanted), list(audit._listeners)

async def main():
    time.sleep(0.001)
    load()
    await asyncio.to_thread(time.sleep, 0.001)

before = picture()
for _ in range(3):
    with asyncwatch.watch(output=(), extend_select=frozenset({"AW104"})) as watch:
        asyncio.run(main())
        watch.flush()
        print(sorted(f.where.line for f in watch.findings if f.rule.code == "AW104"))
    print(picture() == before)
asyncio.run(main())
print(len(watch.findings), len(added))
"""


def test_only_one_idle_audit_hook_is_left(program: Any) -> None:
    """Three watches see the same calls, each puts back what it changed, and one audit hook in all was added."""
    done = run_python(str(program(RESIDUE)), cwd=ROOT)
    assert done.out.splitlines() == ["[20, 21]", "True"] * 3 + ["2 1"], done.err


def test_without_being_asked_no_audit_hook_is_added(program: Any) -> None:
    """The default set of rules adds none, nor takes a monitoring tool's id while nothing is marked."""
    text = """
import asyncio, sys
added = []
sys.addaudithook(lambda event, args: added.append(event) if event == "sys.addaudithook" else None)
import asyncwatch
with asyncwatch.watch(output=()):
    asyncio.run(asyncio.sleep(0))
    print(added, {sys.monitoring.get_tool(i) for i in range(6)} if hasattr(sys, "monitoring") else {None})
"""
    done = run_python(str(program(text)), cwd=ROOT)
    assert done.out == "[] {None}\n", done.err


@monitored
def test_other_tools_keep_their_monitoring(program: Any) -> None:
    """A tool that watches calls goes on seeing them; when all free ids are taken, what is blind says so."""
    text = """
import asyncio, sys, time
m = sys.monitoring
seen = []
m.use_tool_id(4, "mine")
m.register_callback(4, m.events.CALL, lambda code, at, function, first: seen.append((code.co_name, function)))
m.set_events(4, m.events.CALL)
import asyncwatch
async def main(): time.sleep(0.001)
for last in (False, True):
    if last: m.use_tool_id(3, "also mine"); m.use_tool_id(5, "and mine")
    with asyncwatch.watch(output=(), extend_select=frozenset({"AW104"})) as watch:
        asyncio.run(main())
        watch.flush()
        print(watch._hooks._blockers.rows()[0][2], [f.rule.code for f in watch.findings])
print(m.get_tool(4), m.get_events(4) == m.events.CALL, sum(name == "main" for name, _ in seen))
"""
    done = run_python(str(program(text)), cwd=ROOT)
    lines = done.out.splitlines()
    assert lines[0].startswith("an audit hook cannot be removed"), done.err
    assert lines[1].startswith("other tools have taken all of"), done.err
    assert [line[-9:] for line in lines[:2]] == ["['AW104']"] * 2
    assert lines[2] == "mine True 2"


def test_what_a_blocking_call_raises_is_its_own(program: Any, tmp_path: Path) -> None:
    """The traceback of a call that fails has the program's lines and the standard library's, no frame of ours."""
    text = """
import asyncio, queue, socket, subprocess, sys, threading, traceback
calls = [lambda: socket.socket().connect(("127.0.0.1", 9)), lambda: queue.Queue().get(timeout=0.001),
         lambda: threading.Thread().join(), lambda: socket.socket().recv(1), lambda: threading.Condition().wait(1),
         lambda: subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1).wait(timeout=0.01)]
async def main():
    for call in calls:
        try: call()
        except Exception as error: print(type(error).__name__, [f.name for f in traceback.extract_tb(error.__traceback__)])
asyncio.run(main())
"""
    path = program(text)
    bare = run_python(str(path), cwd=tmp_path)
    watched = run_watched(path, folder=tmp_path, options=["--extend-select", "AW104"])
    assert watched.out == bare.out
    assert len(bare.out.splitlines()) == 6


def test_a_question_that_fails_switches_the_part_off_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's call goes on, the fault is said once, and no more blocking calls are judged."""
    import time

    import asyncwatch

    def broken(*_: Any) -> bool:
        raise KeyError("broken")

    monkeypatch.setitem(QUESTIONS, "seconds", broken)

    async def main() -> str:
        time.sleep(0.001)
        time.sleep(0.001)
        return "ended"

    with asyncwatch.watch(output=(), extend_select=frozenset({"AW104"})) as watch:
        assert asyncio.run(main()) == "ended"
        watch.flush()
        codes = [finding.rule.code for finding in watch.findings if finding.rule.code in ("AW001", "AW104")]
    assert codes == ["AW001"]


def test_a_forked_child_tells_for_itself(program: Any, tmp_path: Path) -> None:
    """A place said in the parent is said in the child as well: each has its own counts."""
    text = """
import asyncio, os, time
async def main(): time.sleep(0.001)
asyncio.run(main())
pid = os.fork()
asyncio.run(main())
if pid: os.waitpid(pid, 0)
"""
    run = run_watched(program(text), folder=tmp_path, options=["--extend-select", "AW104"])
    assert len({line["pid"] for line in run.lines if line["code"] == "AW104"}) == 2
