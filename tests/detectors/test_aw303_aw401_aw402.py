"""AW303 future-exception-unretrieved, AW401 wrong-thread-call and AW402 resource-unclosed."""

from __future__ import annotations

import dis
from pathlib import Path

import pytest
from by_hand import APP, LIBRARY, LOOP, a_task, at, only, raw

from asyncwatch import plain
from asyncwatch.detectors import aw303_future_exception_unretrieved as failed
from asyncwatch.detectors import aw401_wrong_thread_call as foreign
from asyncwatch.detectors import aw402_resource_unclosed as unclosed
from asyncwatch.frames import Frame, RawFrame
from asyncwatch.resource_events import ForeignCall, FutureFailed, ResourceUnclosed

FRAMES = (raw("write", 5),)
MADE = (Frame(LIBRARY, 300, "run_in_executor"), Frame(APP, 20, "order"))
DROPPED = (raw("forget", 30), raw("main", 2))
FUTURE = FutureFailed(LOOP, "Future", "OSError: disk full", FRAMES, (), (), (), None)
CALL = ForeignCall(LOOP, "call_soon", "Thread-1", (raw("call_soon", 800, LIBRARY), raw("on_message", 7)), (), True)
STREAM = ResourceUnclosed(LOOP, "stream", "asyncio.streams.StreamWriter", "", (), (), False, None)


def calling(tmp_path: Path, text: str) -> RawFrame:
    """A raw frame that stands at the last call of a file of one line."""
    path = tmp_path / "shop.py"
    path.write_text(text)
    code = compile(text, str(path), "exec")
    return code, [one.offset for one in dis.get_instructions(code) if one.opname.startswith("CALL")][-1]


def test_where_the_future_was_made_is_the_place() -> None:
    """The innermost application frame that made it is the place, whoever dropped it, and the raising line is evidence."""
    finding = only(failed, plain.replace(FUTURE, created=MADE, dropped=DROPPED))
    assert (finding.where, finding.level) == (at("order", 20), "warning")
    assert finding.event == "a future failed and nobody asked: OSError: disk full"
    assert finding.evidence == {
        "exception": "OSError: disk full",
        "line_is": "created",
        "raised_at": {"file": APP, "line": 5, "function": "write"},
    }


def test_without_it_the_dropping_line_is_the_place() -> None:
    """A future whose making nobody saw is reported at the application's line that dropped it."""
    finding = only(failed, plain.replace(FUTURE, dropped=DROPPED))
    assert (finding.where, finding.evidence["line_is"]) == (at("forget", 30), "dropped")


@pytest.mark.parametrize("dropped", [(), (raw("_run_once", 3, LIBRARY),)])
def test_who_only_let_go_of_it_is_not_blamed(dropped: tuple[RawFrame, ...]) -> None:
    """Destroyed by the collector, or by asyncio's own line, it is a warning without a place."""
    finding = only(failed, plain.replace(FUTURE, dropped=dropped))
    assert (finding.where, finding.level, finding.evidence["line_is"]) == (None, "warning", "unknown")


def test_a_librarys_future_is_info() -> None:
    """A future that a library made for itself is info."""
    event = plain.replace(FUTURE, created=(Frame(LIBRARY, 9, "connect"),))
    assert only(failed, event).level == "info"


@pytest.mark.parametrize(
    ("text", "line_is"), [("asyncio.gather(save(1), save(2))", "created"), ("asyncio.create_task(save(1))", "unknown")]
)
def test_the_children_tell_of_the_gather_if_it_made_them(tmp_path: Path, text: str, line_is: str) -> None:
    """A gather() that made its children's tasks was called where they were made; tasks made before tell nothing."""
    site = calling(tmp_path, text)
    children = (a_task(site), a_task(site))
    finding = only(failed, plain.replace(FUTURE, kind="_GatheringFuture", children=children))
    assert finding.evidence["line_is"] == line_is
    assert finding.event.startswith("gather() failed")
    assert (finding.where is not None) == (line_is == "created")


def test_children_from_different_lines_tell_nothing(tmp_path: Path) -> None:
    """Children that were made at different lines were not made by one gather()."""
    children = (a_task(calling(tmp_path, "asyncio.gather(save(1))")), a_task(raw("main", 3)))
    assert only(failed, plain.replace(FUTURE, kind="_GatheringFuture", children=children)).where is None


def test_the_call_from_another_thread_is_the_place() -> None:
    """The application's line that called is an error, with the thread that called and the one that runs the loop."""
    finding = only(foreign, CALL)
    assert (finding.where, finding.level) == (at("on_message", 7), "error")
    assert finding.event == (
        "call_soon() was called in thread 'Thread-1', while 'MainThread', which runs the loop, "
        "waited for something to do"
    )
    assert finding.evidence == {
        "call": "call_soon",
        "method": "call_soon",
        "thread": "Thread-1",
        "refused": True,
        "loop_was": "idle",
    }


def test_the_loops_own_line_is_evidence() -> None:
    """A loop that was running is said with the application's line at which its thread stood."""
    finding = only(foreign, plain.replace(CALL, loop_frames=(raw("sleep", 9, LIBRARY), raw("work", 41))))
    assert finding.evidence["loop_at"] == {"file": APP, "line": 41, "function": "work"}
    assert finding.event.endswith("which runs the loop, stood in work()")


def test_what_asyncio_was_asked_for_is_named() -> None:
    """Where the source tells nothing, the function of asyncio's that the line called is named, not what it led to."""
    frames = (raw("call_soon", 800, LIBRARY), raw("put_nowait", 90, LIBRARY), raw("on_message", 7))
    assert only(foreign, plain.replace(CALL, frames=frames)).evidence["call"] == "put_nowait"


def test_a_librarys_call_is_info() -> None:
    """A call with no line of the application's behind it is info."""
    assert only(foreign, plain.replace(CALL, frames=(raw("notify", 3, LIBRARY),))).level == "info"


def test_where_the_resource_was_made_is_the_place() -> None:
    """The line that made it comes first, then the application's line that dropped it."""
    made = plain.replace(STREAM, created=(raw("open", 12), raw("main", 2)), dropped=DROPPED)
    assert only(unclosed, made).where == at("open", 12)
    dropped = only(unclosed, plain.replace(STREAM, dropped=DROPPED))
    assert (dropped.where, dropped.evidence["line_is"], dropped.level) == (at("forget", 30), "dropped", "warning")


def test_a_connection_without_a_line_names_whom_it_serves() -> None:
    """What asyncio made itself has no line; the handler behind it is named and tells one finding from another."""
    one, other = (
        only(unclosed, plain.replace(STREAM, serves=f"shop.{name}", dropped=(raw("_run", 1, LIBRARY),)))
        for name in ("echo", "hold")
    )
    assert (one.where, one.level, one.evidence["serves"]) == (None, "warning", "shop.echo")
    assert one.event == "stream was never closed: asyncio.streams.StreamWriter, which serves shop.echo"
    assert one.fingerprint != other.fingerprint


def test_what_was_open_when_the_loop_ended_without_a_line_is_info() -> None:
    """A client that is still connected at shutdown is nobody's mistake; a server of the program's own is."""
    assert only(unclosed, plain.replace(STREAM, late=True)).level == "info"
    assert only(unclosed, plain.replace(STREAM, late=True, created=MADE)).level == "warning"


def test_a_librarys_resource_is_info() -> None:
    """What a library made for itself is info."""
    assert only(unclosed, plain.replace(STREAM, created=(Frame(LIBRARY, 9, "connect"),))).level == "info"
