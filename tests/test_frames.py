"""Places in code: whose a file is, which line an instruction is on, what it calls."""

from __future__ import annotations

import asyncio
import dis
import os
import sys
import sysconfig
import time
from pathlib import Path

import pytest
import structlog

from asyncwatch import frames
from asyncwatch.frames import Frame, Scope

NOBODYS = [
    asyncio.__file__,
    os.__file__,
    structlog.__file__,
    frames.__file__,
    os.path.join(sysconfig.get_path("scripts"), "uvicorn"),
    os.path.join(os.path.dirname(sys.executable), "celery"),
    "/srv/app/venv/lib/python3.12/site-packages/shop/orders.py",
    "/usr/lib/python3/dist-packages/yaml/__init__.py",
    "uvloop/loop.pyx",
    "<frozen importlib._bootstrap>",
    "<attrs generated init shop.Order>",
]
THE_PROGRAMS = ["/app/shop/orders.py", "orders.py", __file__, "<string>", "<stdin>", "<ipython-input-1-abc>"]


@pytest.mark.parametrize("name", NOBODYS)
def test_what_cannot_be_changed_is_not_the_application(name: str) -> None:
    """The standard library, installed packages, start scripts, generated code and asyncwatch itself are not it."""
    assert not Scope().is_app(name)


@pytest.mark.parametrize("name", THE_PROGRAMS)
def test_what_its_author_wrote_is_the_application(name: str) -> None:
    """Files elsewhere, relative names, and what was typed in or given with -c are the application."""
    assert Scope().is_app(name)


def test_an_extension_built_from_a_source_that_is_here_is_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Cython file that exists where the program runs is the program's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fast.pyx").touch()
    assert Scope().is_app("fast.pyx")


def test_the_innermost_application_frame_is_the_line_to_change() -> None:
    """Library frames below it are passed over; without one of the application's the innermost stands."""
    app, library = Frame("/app/a.py", 1, "a"), Frame(asyncio.__file__, 2, "b")
    scope = Scope()
    assert scope.innermost([app, library]) == app
    assert scope.innermost([library]) == library
    assert scope.innermost([]) is None


def sample() -> None:
    time.sleep(0)
    [].append(
        1
    )
    getattr(time, "sleep")(0)  # noqa: B009


def test_a_call_is_named_as_the_source_writes_it() -> None:
    """A dotted name on one line is told; a call over several lines, of an expression, and no call are not."""
    code = sample.__code__
    named = {frames.called_at((code, i.offset)) for i in dis.get_instructions(code) if i.opname.startswith("CALL")}
    assert "time.sleep" in named
    assert named <= {"time.sleep", "getattr", None}
    first = next(i for i in dis.get_instructions(code) if i.opname == "RESUME")
    assert frames.called_at((code, first.offset)) is None


def test_an_instruction_has_its_line() -> None:
    """Every instruction resolves to the line the interpreter gives it."""
    code = sample.__code__
    for start, _, line in code.co_lines():
        if line is not None:
            assert frames.resolve((code, start)) == Frame(__file__, line, "sample")
