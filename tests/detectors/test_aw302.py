"""AW302 asyncgen-not-closed."""

from __future__ import annotations

import dis
from types import CodeType

from by_hand import APP, LIBRARY, LOOP, at, only, raw

from asyncwatch.coroutine_events import AsyncgenLate, AsyncgenLeft
from asyncwatch.detectors import aw302_asyncgen_not_closed as left
from asyncwatch.frames import RawFrame

ITERATED = (raw("first", 20),)
BARE = "async def rows():\n    yield 1\n    yield 2\n"
GUARDED = "async def rows():\n    try:\n        yield 1\n    finally:\n        await close()\n"


def stands(source: str, file: str = APP) -> RawFrame:
    """A generator that waits at its first `yield`."""
    module = compile(source, file, "exec")
    code = next(const for const in module.co_consts if isinstance(const, CodeType))
    return code, next(step.offset for step in dis.get_instructions(code) if step.opname == "YIELD_VALUE")


def event(source: str = GUARDED, left_to: str = "collector", *, ending: bool = False, file: str = APP) -> AsyncgenLeft:
    return AsyncgenLeft(LOOP, "rows", ITERATED, stands(source, file), left_to, ending)


def test_the_place_is_the_iterating_line() -> None:
    """One that has something left to do is a warning at the line that iterated it."""
    finding = only(left, event())
    assert (finding.where, finding.level) == (at("first", 20), "warning")
    assert finding.evidence == {
        "generator": "rows",
        "defined_at": at("rows", 1).to_dict(),
        "line_is": "iterated",
        "stands_at": at("rows", 3).to_dict(),
        "cleanup": True,
        "left_to": "collector",
    }
    assert finding.event == "async generator 'rows' was left to the garbage collector"


def test_what_does_no_harm_is_info() -> None:
    """Nothing left to do, a library's generator, one that the shutdown closed, one left by the shutdown: info."""
    harmless = (event(BARE), event(file=LIBRARY), event(left_to="shutdown"), event(ending=True))
    assert [only(left, one).level for one in harmless] == ["info"] * 4


def test_nobody_will_close_what_outlives_its_loop() -> None:
    """A generator that is collected when its loop is closed is a warning, and says so."""
    finding = only(left, event(left_to="nobody"))
    assert finding.level == "warning"
    assert "nobody will close it" in finding.event


def test_the_definition_is_the_place_where_no_line_was_seen() -> None:
    """Iterated before the watching began: the definition is named, and said to be that."""
    code, lasti = stands(GUARDED)
    finding = only(left, AsyncgenLeft(LOOP, "rows", (), (code, lasti), "collector", ending=False))
    assert (finding.where, finding.evidence["line_is"]) == (at("rows", 1), "defined")


def test_a_library_that_iterates_and_leaves_is_info() -> None:
    """No line of the program iterated it: the library's is named, which the program's author cannot change."""
    iterated = (raw("stream", 9, LIBRARY),)
    finding = only(left, AsyncgenLeft(LOOP, "rows", iterated, stands(GUARDED), "collector", ending=False))
    assert (finding.where, finding.level) == (at("stream", 9, LIBRARY), "info")


def test_a_late_one_is_a_warning_where_it_was_iterated() -> None:
    """First iterated when the loop had closed all of them."""
    finding = only(left, AsyncgenLate(LOOP, "rows", ITERATED, raw("rows", 1)))
    assert (finding.where, finding.level) == (at("first", 20), "warning")
    assert "after loop.shutdown_asyncgens()" in finding.event
