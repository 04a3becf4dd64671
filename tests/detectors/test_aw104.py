"""AW104 as lists of events: the call, who made it, what to write instead."""

from __future__ import annotations

import os
from types import CodeType
from typing import Any

from asyncwatch.blocking_calls import CALLS
from asyncwatch.call_events import CallBlocked, MarkedCalled
from asyncwatch.detectors.aw104_blocking_call import Detector
from asyncwatch.events import TaskFacts
from asyncwatch.findings import Finding
from asyncwatch.frames import Scope

TASK = TaskFacts("worker", "shop.worker")
STANDARD = os.path.dirname(os.__file__)


def code(file: str, name: str, line: int = 7) -> CodeType:
    """A function of this name in this file."""
    simple = name.rpartition(".")[2]
    space: dict[str, Any] = {}
    exec(compile("\n" * (line - 1) + f"def {simple}(): pass", file, "exec"), space)
    made: CodeType = space[simple].__code__
    return made.replace(co_qualname=name)


def found(event: CallBlocked | MarkedCalled) -> Finding:
    (finding,) = Detector(Scope()).observe(event)
    return finding


APP = code("/app/shop.py", "charge"), 0


def test_a_call_in_the_application_is_named_with_its_twin() -> None:
    """The line that calls, the function that blocks, and what the table says to write instead."""
    finding = found(CallBlocked(None, "time.sleep", (APP,), TASK))
    assert (finding.level, finding.where and finding.where.line) == ("warning", 7)
    assert finding.event == "task 'worker' called time.sleep() on the loop's thread"
    assert finding.evidence == {"call": "time.sleep", "instead": CALLS["time.sleep"].instead}


def test_what_the_application_called_is_named_when_the_call_is_deeper() -> None:
    """Of a wait inside the standard library the evidence has the function that the program knows."""
    result = code(f"{STANDARD}/concurrent/futures/_base.py", "Future.result"), 0
    finding = found(CallBlocked(None, "threading.Condition.wait", (result, APP), TASK))
    assert finding.evidence["by"] == "Future.result"
    assert finding.evidence["instead"] == "await asyncio.wrap_future(future)"
    exists = code("<frozen genericpath>", "exists"), 0
    assert found(CallBlocked(None, "os.stat", (exists, APP), TASK)).evidence["by"] == "os.path.exists"


def test_a_library_with_an_asynchronous_twin_is_told_by_it() -> None:
    """A name that `requests` resolves is no matter for loop.getaddrinfo, but for another client."""
    inner = code(f"{STANDARD}/socket.py", "getaddrinfo"), 0
    library = code("/venv/lib/python3/site-packages/requests/sessions.py", "Session.get"), 0
    finding = found(CallBlocked(None, "socket.getaddrinfo", (inner, library, APP), TASK))
    assert "httpx.AsyncClient" in str(finding.evidence["instead"])
    assert finding.where is not None
    assert finding.where.file == "/app/shop.py"


def test_only_what_the_author_can_change_is_a_warning() -> None:
    """A library's own call is info, and so is what takes microseconds on a local disk."""
    library = code("/venv/lib/python3/site-packages/server/main.py", "serve"), 0
    assert found(CallBlocked(None, "time.sleep", (library,), TASK)).level == "info"
    assert found(CallBlocked(None, "os.stat", (APP,), TASK)).level == "info"


def test_a_marked_function_is_told_at_its_call_and_without_one_at_its_definition() -> None:
    """`where` is the caller's line; of a function that the loop itself called, the function."""
    load = code("/app/orders.py", "load", 3), 0
    called = found(MarkedCalled(None, "orders.load", "load_async()", load, (APP,), TASK))
    assert (called.where and called.where.file, called.evidence["line_is"]) == ("/app/shop.py", "called")
    assert called.evidence["instead"] == "load_async()"
    alone = found(MarkedCalled(None, "orders.load", "", load, (), None))
    assert (alone.where and alone.where.line, alone.evidence["line_is"]) == (3, "defined")
    assert alone.event == "a callback called orders.load(), marked @not_in_async, on the loop's thread"


def test_every_row_says_what_to_write_instead() -> None:
    """No entry of the table leaves its reader without a next step."""
    assert all(call.instead for call in CALLS.values())
