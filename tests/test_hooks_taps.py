"""What asyncio's logger says: our own callbacks are no news to anybody."""

from __future__ import annotations

import logging

import pytest

from asyncwatch.hooks import loops
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.taps import LogTap

STOCK = "Executing %s took %.3f seconds"
UVLOOP = "Executing %r took %.3f seconds"


class Shown:
    """Something that looks like this."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


@pytest.mark.parametrize(
    ("words", "handle", "shown"),
    [
        (STOCK, f"<Handle LoopState.pong() created at {loops.__file__}:9>", False),
        (UVLOOP, Shown("<Handle LoopState.pong created at ...>"), False),
        (STOCK, f"<Handle set.clear() created at {loops.__file__}:9>", False),
        (STOCK, "<Handle charge() at /app/pay.py:9 created at /app/pay.py:12>", True),
        (STOCK, f"<Task pending name='Task-1' coro=<main() running at {loops.__file__}:9>>", True),
        ("poll %s took %.3f ms", "<Handle LoopState.pong()>", True),
    ],
)
def test_a_late_callback_of_ours_is_not_reported_as_the_programs(words: str, handle: object, shown: bool) -> None:
    """Debug mode's report of a callback that we scheduled reaches nobody; every other report does."""
    tap = LogTap(Bus(frozenset()), lambda loop, seconds: False)
    record = logging.LogRecord("asyncio", logging.WARNING, "base_events.py", 1, words, (handle, 0.158), None)
    assert tap.filter(record) is shown
