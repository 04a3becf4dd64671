"""Tests run beside each other in several processes; one that judges time may ask for the machine to itself.

`@pytest.mark.alone` on a test does, and `with turns.alone():` inside one for a part of it. It begins when the tests of
the other processes are over, and none begins meanwhile. The locks are the system's: they end with their process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

# A room that many may be in, or one alone. Whoever enters passes the gate, and who waits there to be alone stops the
# rest. Any two files will do that all processes have.
_GATE = os.open(__file__, os.O_RDONLY)
_ROOM = os.open(Path(__file__).with_name("conftest.py"), os.O_RDONLY)
_ALONE = "alone"
_BESIDE_OTHERS = "beside others"
_state = ""


def begin(*, by_itself: bool) -> None:
    """Begin a test. The next one that is alone, too, takes over from the one before it."""
    global _state
    wanted = _ALONE if by_itself else _BESIDE_OTHERS
    if wanted == _state:
        return
    end()
    fcntl.flock(_GATE, fcntl.LOCK_EX)
    fcntl.flock(_ROOM, fcntl.LOCK_EX if by_itself else fcntl.LOCK_SH)
    fcntl.flock(_GATE, fcntl.LOCK_UN)
    _state = wanted


def end() -> None:
    """The test is over; others may begin."""
    global _state
    fcntl.flock(_ROOM, fcntl.LOCK_UN)
    _state = ""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """A part of a test that runs alone. Not for use while a run is made for `runs`: others may be waiting for that."""
    before = _state
    begin(by_itself=True)
    try:
        yield
    finally:
        if before == _BESIDE_OTHERS:
            begin(by_itself=False)
