"""Where `faulthandler` writes: what it wrote is read right, and what is not ours is never touched."""

from __future__ import annotations

import faulthandler
import os
import signal
from pathlib import Path

import pytest

from asyncwatch import env
from asyncwatch.frames import Frame
from asyncwatch.hooks.dumps import DumpFile, free_signals, parse

pytestmark = pytest.mark.skipif(bool(env.why_no_dumps()), reason=env.why_no_dumps() or "-")

TWO = """Current thread 0x00007f0000000000 (most recent call first):
  File "/app/inner.py", line 3 in inner
  File "/app/outer.py", line 14 in outer

Thread 0x00007f0000000001 [name] (most recent call first):
  File "/app/other.py", line 5 in <lambda>
"""


def test_each_stack_is_read_innermost_first() -> None:
    """Every stack of a dump is one tuple of frames, in the order written."""
    first, second = parse(TWO)
    assert first == (Frame("/app/inner.py", 3, "inner"), Frame("/app/outer.py", 14, "outer"))
    assert second == (Frame("/app/other.py", 5, "<lambda>"),)


def test_names_outside_ascii_are_unescaped() -> None:
    """What faulthandler escapes, because it writes ASCII only, is read as it was."""
    text = 'Stack (most recent call first):\n  File "/app/\\xfc\\u20ac.py", line 1 in \\U0001f600\n'
    assert parse(text) == [(Frame("/app/\u00fc\u20ac.py", 1, "\U0001f600"),)]


@pytest.mark.parametrize("size", range(0, len(TWO), 7))
def test_a_truncated_dump_has_only_whole_frames(size: int) -> None:
    """However a dump is cut, what is read of it is a beginning of what was written."""
    whole = [frame for stack in parse(TWO) for frame in stack]
    part = [frame for stack in parse(TWO[:size]) for frame in stack]
    assert [(f.file, f.line) for f in part[:-1]] == [(f.file, f.line) for f in whole[: len(part)][:-1]]


def test_a_stack_without_frames_is_none() -> None:
    """A thread without a Python frame, and text before any stack, are no stacks."""
    assert parse('  File "x", line 1 in y\nThread 0x1 (most recent call first):\n  <no Python frame>\n') == []


def test_what_is_taken_is_gone() -> None:
    """A dump taken once is not there a second time, and the next one is complete."""
    file = DumpFile()
    fd = file.open()
    for _ in range(2):
        faulthandler.dump_traceback(fd, all_threads=False)
        (stack,) = file.take()
        assert stack[0].function == "test_what_is_taken_is_gone"
        assert file.take() == []
    file.close()
    assert file.fd == -1
    assert file.take() == []


def test_a_file_of_the_programs_under_our_number_is_left_alone(tmp_path: Path) -> None:
    """Once the program closed our descriptor and opened its own file there, that is not read, emptied or closed."""
    file = DumpFile()
    fd = file.open()
    mine = tmp_path / "mine"
    mine.write_text(TWO)
    own = os.open(mine, os.O_RDWR)
    os.dup2(own, fd)
    os.close(own)
    assert file.take() == []
    file.close()
    assert os.pread(fd, 10_000, 0).decode() == TWO
    os.close(fd)


def test_closing_after_the_program_did_is_no_error() -> None:
    """A descriptor that is gone already is nobody's trouble, whether the file is read or closed next."""
    for last in (DumpFile.take, DumpFile.close):
        file = DumpFile()
        os.close(file.open())
        last(file)
        assert file.fd == -1


def test_signals_in_use_are_not_taken() -> None:
    """A real-time signal that is caught or ignored is not offered; one that is blocked may be so for a moment only."""
    first, second, third, *_ = free_signals()
    faulthandler.register(first, all_threads=False)
    signal.signal(second, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {third})
    try:
        assert not {first, second} & set(free_signals())
        assert third in free_signals()
    finally:
        faulthandler.unregister(first)
        signal.signal(second, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {third})
    assert {first, second, third} <= set(free_signals())
