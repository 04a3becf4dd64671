"""AW301 coroutine-never-awaited and AW403 callback-exception."""

from __future__ import annotations

from by_hand import APP, LIBRARY, LOOP, a_task, at, only, raw

from asyncwatch.coroutine_events import CoroutineDropped
from asyncwatch.detectors import aw301_coroutine_never_awaited as forgotten
from asyncwatch.detectors import aw403_callback_exception as escaped
from asyncwatch.events import CallbackFailed

SAVE = raw("save", 3)
DROPPED = (raw("order", 20), raw("main", 2))


def test_in_light_the_place_is_the_dropping_line() -> None:
    """Without an origin the line that dropped the coroutine is the place, and the evidence says which it is."""
    finding = only(forgotten, CoroutineDropped(LOOP, "save", SAVE, (), DROPPED, a_task()))
    assert (finding.where, finding.level) == (at("order", 20), "warning")
    assert finding.evidence == {
        "coroutine": "save",
        "defined_at": {"file": APP, "line": 3, "function": "save"},
        "line_is": "dropped",
    }
    assert finding.event == "coroutine 'save' was never awaited"


def test_in_debug_the_place_is_the_creating_line() -> None:
    """With an origin its innermost application line is the place, whatever line dropped the coroutine."""
    origin = ((LIBRARY, 9, "wrap"), (APP, 15, "make"), (APP, 2, "main"))
    finding = only(forgotten, CoroutineDropped(LOOP, "save", SAVE, origin, DROPPED, None))
    assert finding.where == at("make", 15)
    assert finding.evidence["line_is"] == "created"
    assert finding.stack == (at("main", 2), at("make", 15), at("wrap", 9, LIBRARY))


def test_the_place_is_where_the_code_says_it_was_created() -> None:
    """A line found in the code beats the line that dropped it, and is where it was created."""
    created = (raw("make", 15), raw("main", 2))
    finding = only(forgotten, CoroutineDropped(LOOP, "save", SAVE, (), DROPPED, None, created))
    assert (finding.where, finding.level) == (at("make", 15), "warning")
    assert finding.evidence["line_is"] == "created"
    assert finding.stack == (at("main", 2), at("make", 15))


def test_an_unknown_line_is_not_guessed() -> None:
    """A coroutine that the garbage collector destroyed is reported at its definition, which is said to be that."""
    finding = only(forgotten, CoroutineDropped(None, "save", SAVE, (), (), None))
    assert (finding.where, finding.level, finding.stack) == (at("save", 3), "warning", ())
    assert finding.evidence["line_is"] == "defined"


def test_where_several_lines_are_left_they_are_evidence() -> None:
    """Two calls that could have made it: the place is the line that dropped it, the calls are listed."""
    candidates = (raw("make", 15), raw("order", 18))
    finding = only(forgotten, CoroutineDropped(LOOP, "save", SAVE, (), DROPPED, None, (), candidates))
    assert (finding.where, finding.evidence["line_is"]) == (at("order", 20), "dropped")
    assert finding.evidence["candidates"] == [at("make", 15).to_dict(), at("order", 18).to_dict()]


def test_a_function_that_ended_in_a_librarys_hands_is_not_its_callers_fault() -> None:
    """A library's line under which a function of the program ended is no place; neither is the line that called it."""
    dropped = (raw("handle", 3, LIBRARY), raw("main", 2))
    finding = only(forgotten, CoroutineDropped(LOOP, "save", SAVE, (), dropped, None))
    assert (finding.where, finding.level) == (at("save", 3), "warning")
    assert finding.evidence["line_is"] == "defined"


def test_a_librarys_coroutine_of_unknown_origin_is_info() -> None:
    """A coroutine function of a library's, dropped nobody knows where, is a warning only if the program calls it."""
    definition = raw("put", 9, LIBRARY)
    assert only(forgotten, CoroutineDropped(LOOP, "put", definition, (), (), None)).level == "info"
    calls = (raw("order", 20),)
    assert only(forgotten, CoroutineDropped(LOOP, "put", definition, (), (), None, (), calls)).level == "warning"


def test_a_library_that_forgets_is_info() -> None:
    """A coroutine dropped by a library's own code is info."""
    event = CoroutineDropped(LOOP, "put", raw("put", 9, LIBRARY), (), (raw("close", 3, LIBRARY),), None)
    assert only(forgotten, event).level == "info"


def test_the_raising_line_is_the_place() -> None:
    """An escaped exception is an error at the innermost application line of its traceback."""
    frames = (raw("refresh", 5), raw("parse", 8), raw("loads", 300, LIBRARY))
    event = CallbackFailed(LOOP, "Exception in callback refresh()", "ValueError: no", frames, None)
    finding = only(escaped, event)
    assert (finding.where, finding.level) == (at("parse", 8), "error")
    assert finding.event == "Exception in callback refresh(): ValueError: no"
    assert finding.evidence == {"exception": "ValueError: no", "message": "Exception in callback refresh()"}
    assert finding.stack[0] == at("refresh", 5)


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    """An exception object handed to the loop's handler without a traceback is said without a line."""
    assert only(escaped, CallbackFailed(LOOP, "said by the program", "ValueError", (), a_task())).where is None


def test_a_report_without_an_exception_is_said_where_it_was_made() -> None:
    """What tells the handler without an exception is said in its own words, at the application's line that told it."""
    event = CallbackFailed(LOOP, "the pool is exhausted", "", (raw("check", 4), raw("call", 9, LIBRARY)), None)
    finding = only(escaped, event)
    assert (finding.where, finding.event) == (at("check", 4), "the pool is exhausted")
    assert finding.evidence == {"message": "the pool is exhausted"}
    assert only(escaped, CallbackFailed(LOOP, "lost", "", (raw("call", 9, LIBRARY),), None)).where is None


def test_a_built_in_that_raises_is_said_where_it_was_scheduled() -> None:
    """Where no line of the application's raised, the one that scheduled the callback is the place, if it is known."""
    event = CallbackFailed(LOOP, "Exception in callback int()", "ValueError: no", (), None, (raw("start", 6),))
    finding = only(escaped, event)
    assert finding.where == at("start", 6)
    assert finding.evidence["scheduled_at"] == {"file": APP, "line": 6, "function": "start"}


def test_the_raising_line_comes_before_the_scheduling_line() -> None:
    """With a raising line of the application's the scheduling line is evidence only."""
    event = CallbackFailed(
        LOOP, "Exception in callback f()", "ValueError: no", (raw("f", 5),), None, (raw("start", 6),)
    )
    finding = only(escaped, event)
    assert (finding.where, "scheduled_at" in finding.evidence) == (at("f", 5), True)
