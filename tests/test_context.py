"""`context` in findings: what the program itself binds for its log lines, read without touching anything else."""

from __future__ import annotations

import asyncio
import contextvars
import json
from contextvars import Context, ContextVar
from pathlib import Path
from typing import Any

import pytest
from conftest import each_loop, run_watched
from opentelemetry import trace
from structlog.contextvars import bind_contextvars, unbind_contextvars

from asyncwatch import env
from asyncwatch.events import TaskFacts
from asyncwatch.findings import Finding, Rule, to_dict
from asyncwatch.hooks import contexts

PROGRAM = """
import asyncio, sys, time
from opentelemetry import trace
from structlog.contextvars import bind_contextvars

class Private:
    def __repr__(self):
        raise SystemExit("a value was asked for its text")
    __str__ = __repr__

async def handle(number):
    bind_contextvars(request_id=f"r-{number}", number=number, user=Private(), password="swordfish")
    span = trace.NonRecordingSpan(trace.SpanContext(0xABC << 64, number, False))
    with trace.use_span(span):
        await asyncio.sleep(0.01 * number)
        time.sleep(0.3)
        asyncio.create_task(fail(), name=f"fails-{number}")
        await asyncio.sleep(0)

async def fail():
    raise ValueError("nobody asks")

async def main():
    await asyncio.gather(handle(1), handle(2))
    await asyncio.sleep(0.1)

if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


def shown(**bound: Any) -> dict[str, Any]:
    """What is shown of a context in which structlog has bound these."""
    context = Context()
    context.run(bind_contextvars, **bound)
    return dict(contexts.of(context))


@each_loop
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_a_finding_has_the_context_of_its_task(program: Any, tmp_path: Path, kind: str, profile: str) -> None:
    """Each finding carries what its own task has bound, and the span that is current there; objects and secrets not."""
    run = run_watched(program(PROGRAM), kind, folder=tmp_path, profile=profile)
    assert run.status == 0, run.err
    slow = [one for one in run.findings if one["code"] == "AW101" and "task" in one]
    failed = [one for one in run.findings if one["code"] == "AW204"]
    assert slow
    assert failed
    for one in slow + failed:
        number = one["context"]["number"]
        assert one["context"] == {
            "number": number,
            "request_id": f"r-{number}",
            "trace_id": f"{0xABC << 64:032x}",
            "span_id": f"{number:016x}",
        }
    assert all(one["context"]["number"] == int(one["task"]["name"][-1]) for one in failed)
    assert "swordfish" not in json.dumps(run.lines)


def test_people_see_it_too(program: Any, tmp_path: Path) -> None:
    """The console has it in a line of its own."""
    run = run_watched(program(PROGRAM), "asyncio", folder=tmp_path, options=["--format", "console"])
    text = next(tmp_path.glob("*.jsonl")).read_text()
    assert f"  context number=1 request_id=r-1 trace_id={0xABC << 64:032x} span_id={1:016x}\n" in text, run.err


def test_nothing_is_shown_when_it_is_not_wanted(program: Any, tmp_path: Path) -> None:
    """`--context off` leaves the key out."""
    run = run_watched(program(PROGRAM), "asyncio", folder=tmp_path, options=["--context", "off"])
    assert run.findings
    assert not any("context" in one for one in run.lines)
    assert "context" not in run.lines[0]["evidence"]["hooks"]


def test_only_plain_values_are_shown() -> None:
    """Texts are cut; an object, a subclass that may run code, a number that JSON has not are left out."""

    class Text(str):
        def __getitem__(self, key: Any) -> str:
            raise AssertionError("the program's code ran")

    found = shown(a="x" * 1000, b=Text("b"), c=[1], d=object(), e=float("nan"), f=10**5000, g=None, h=True, i=1.5, j=-1)
    assert found == {"a": "x" * contexts.LONGEST_TEXT, "g": None, "h": True, "i": 1.5, "j": -1}


def test_what_was_unbound_is_not_shown() -> None:
    """structlog leaves a variable behind, with a mark in it."""
    context = Context()
    context.run(bind_contextvars, one=1, two=2)
    context.run(unbind_contextvars, "one")
    assert contexts.of(context) == (("two", 2),)


@pytest.mark.parametrize("key", ["password", "access_token", "API_KEY", "Authorization", "set_cookie", "client_secret"])
def test_what_is_called_a_secret_is_left_out(key: str) -> None:
    """A value whose key says that it is secret stays where it is."""
    assert shown(**{key: "swordfish", "request_id": "r"}) == {"request_id": "r"}


def test_there_are_not_too_many_keys() -> None:
    """A context of any size makes a finding of bounded size, with the same keys each time."""
    found = shown(**{f"key{number:03}" + "x" * 200: number for number in range(100)})
    assert list(found.values()) == list(range(contexts.MOST_KEYS))
    assert max(map(len, found)) == contexts.LONGEST_KEY


def test_other_context_variables_are_not_looked_at() -> None:
    """A variable of the program's own is not shown, whatever it is called."""
    context = Context()
    for name in ("request_id", "current_context", "trace_id"):
        context.run(ContextVar(name).set, "swordfish")
    assert contexts.of(context) == ()


def test_a_span_that_is_none_has_no_ids() -> None:
    """OpenTelemetry's invalid span, which is current where nothing traces, is all zeros and says nothing."""
    context = Context()
    context.run(lambda: trace.use_span(trace.INVALID_SPAN).__enter__())
    assert contexts.of(context) == ()


def test_a_task_keeps_the_context_that_it_was_given() -> None:
    """It is the task's own context that is found, not that of who looks, nor a done-callback's."""

    async def main() -> None:
        own, other = contextvars.copy_context(), contextvars.copy_context()
        own.run(bind_contextvars, whose="own")
        other.run(bind_contextvars, whose="other")
        for make in (asyncio.Task, asyncio.tasks._PyTask):  # type: ignore[attr-defined]
            task = make(asyncio.sleep(0), context=own)
            task.add_done_callback(print, context=other)
            task.remove_done_callback(print)
            task.add_done_callback(id, context=other)
            assert env.context_of(task) is own
            await task
            assert env.context_of(task) is own

    asyncio.run(main())


def test_what_is_no_task_has_no_context() -> None:
    """A task of somebody else's making is not asked."""
    assert env.context_of(object()) is None


def test_the_context_is_a_key_of_the_line() -> None:
    """`context` is absent where there is none."""
    rule = Rule("AW101", "slow-callback", "warning", "", "")
    for context in ((), (("request_id", "r"),)):
        finding = Finding(rule, "warning", "text", task=TaskFacts("name", "coro", context=context))
        assert to_dict(finding, count=1, pid=1, now=0).get("context", {}) == dict(context)
