"""AW301 coroutine-never-awaited and AW403 callback-exception."""

from __future__ import annotations

from by_hand import APP, LIBRARY, LOOP, a_task, at, only, raw

from asyncwatch.detectors import aw301_coroutine_never_awaited as forgotten
from asyncwatch.detectors import aw403_callback_exception as escaped
from asyncwatch.events import CallbackFailed, CoroutineDropped

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


def test_an_unknown_line_is_not_guessed() -> None:
    """A coroutine that the garbage collector destroyed is reported without a place, still as a warning."""
    finding = only(forgotten, CoroutineDropped(None, "save", SAVE, (), (), None))
    assert (finding.where, finding.level, finding.stack) == (None, "warning", ())
    assert finding.evidence["line_is"] == "unknown"


def test_a_library_that_forgets_is_info() -> None:
    """A coroutine dropped by a library's own code is info."""
    event = CoroutineDropped(LOOP, "save", SAVE, (), (raw("close", 3, LIBRARY),), None)
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
