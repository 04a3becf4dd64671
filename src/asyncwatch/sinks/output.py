"""Where bytes go: a file descriptor of the program's, or a file of our own that nobody has swapped under us."""

from __future__ import annotations

import os
import select
import stat
import time
from typing import Protocol

# A reader that does not read is waited for this long, in the judge's thread; once, until it reads again.
PATIENCE = 1.0
# A pipe that is writable takes so much at once, and a blocking write of it does not wait.
# https://man7.org/linux/man-pages/man7/pipe.7.html (PIPE_BUF)
AT_ONCE = getattr(select, "PIPE_BUF", 512)


def wants_colour() -> bool:
    """Whether a terminal is to be painted. https://no-color.org"""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Output(Protocol):
    """Takes whole lines. BlockingIOError: this one is lost, the next may not be; any other error: it is broken."""

    def write(self, data: bytes) -> None: ...
    def is_terminal(self) -> bool: ...
    def fileno(self) -> int | None: ...
    def close(self) -> None: ...


class FdOutput:
    """Standard error, by its number: whatever the program has put there since."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines = Lines()
        self._there = True
        try:
            os.fstat(fd)
        except OSError:
            self._there = False  # closed from the start: what gets this number now is a file of the program's

    def write(self, data: bytes) -> None:
        if not self._there:
            raise OSError("standard error is closed")
        self._lines.write(self._fd, data)

    def is_terminal(self) -> bool:
        try:
            return os.isatty(self._fd)
        except OSError:
            return False

    def fileno(self) -> int | None:
        """The descriptor, None when it is ours no more."""
        return self._fd if self._there else None

    def close(self) -> None:
        """Not ours to close."""


class FileOutput:
    """A file, appended to, so that several processes can share it line by line.

    A program that closes descriptors it did not open may open its own under our number. Before each write the
    descriptor is asked whether it is still our file.
    """

    def __init__(self, path: str) -> None:
        # Not to wait for a FIFO's reader: where there is none that is an error.
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        self._identity = self._identify()
        self._lines = Lines()

    def _identify(self) -> tuple[int, int]:
        status = os.fstat(self._fd)
        return status.st_dev, status.st_ino

    def write(self, data: bytes) -> None:
        if self._identify() != self._identity:
            raise OSError("the program closed this file")
        self._lines.write(self._fd, data)

    def is_terminal(self) -> bool:
        return os.isatty(self._fd)

    def fileno(self) -> int | None:
        """The descriptor, None when it is ours no more."""
        try:
            return self._fd if self._identify() == self._identity else None
        except OSError:
            return None

    def close(self) -> None:
        if self._identify() == self._identity:
            os.close(self._fd)


class Lines:
    """Whole lines to a descriptor whose reader may be slow, or not read at all."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._rest = b""  # of a line that was begun: it goes before all others
        self._stuck = False

    def write(self, fd: int, data: bytes) -> None:
        """Write a line.

        Raises:
            BlockingIOError: nobody reads, the line is lost.
            OSError: what the system says.
        """
        if self._pid != os.getpid():
            self._begin()  # after a fork that rest is the parent's to write
        deadline = time.monotonic() + (0.0 if self._stuck else PATIENCE)
        self._rest = write_some(fd, self._rest, deadline)
        left = data if self._rest else write_some(fd, data, deadline)
        self._stuck = bool(left)
        if len(left) == len(data):
            raise BlockingIOError("nobody reads this output")
        self._rest = self._rest or left


def write_some(fd: int, data: bytes, deadline: float) -> bytes:
    """Write what is taken until the deadline of the monotonic clock; returns what is left.

    Raises:
        OSError: what the system says; BrokenPipeError without asking it, since a program that wants to die by SIGPIPE
            does not mean our lines.
    """
    view = memoryview(data)
    size = len(data) if _is_file(fd) else AT_ONCE
    while view and _takes(fd, deadline):
        try:
            view = view[os.write(fd, view[:size]) :]
        except BlockingIOError:
            time.sleep(0.01)  # writable, but not for so much
            if time.monotonic() > deadline:
                break
    return bytes(view)


def _is_file(fd: int) -> bool:
    """Whether a write never waits for a reader. Raises OSError for what is closed."""
    return stat.S_ISREG(os.fstat(fd).st_mode)


def _takes(fd: int, deadline: float) -> bool:
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    for _, event in poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        if event & select.POLLERR:
            raise BrokenPipeError("its reader is gone")
        return True
    return False
