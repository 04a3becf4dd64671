"""Where bytes go: a file descriptor of the program's, or a file of our own that nobody has swapped under us."""

from __future__ import annotations

import os
import time
from typing import Protocol

# A reader that does not read (a full pipe in non-blocking mode) is waited for this long, in the watcher's thread.
PATIENCE = 1.0


class Output(Protocol):
    """Takes whole lines."""

    def write(self, data: bytes) -> None: ...
    def is_terminal(self) -> bool: ...
    def fileno(self) -> int | None: ...
    def close(self) -> None: ...


class FdOutput:
    """Standard error, by its number: whatever the program has put there since."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, data: bytes) -> None:
        write_all(self._fd, data)

    def is_terminal(self) -> bool:
        try:
            return os.isatty(self._fd)
        except OSError:
            return False

    def fileno(self) -> int | None:
        """The descriptor, None when it is ours no more."""
        return self._fd

    def close(self) -> None:
        """Not ours to close."""


class FileOutput:
    """A file, appended to, so that several processes can share it line by line.

    A program that closes descriptors it did not open may open its own under our number. Before each write the
    descriptor is asked whether it is still our file.
    """

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._identity = self._identify()

    def _identify(self) -> tuple[int, int]:
        status = os.fstat(self._fd)
        return status.st_dev, status.st_ino

    def write(self, data: bytes) -> None:
        if self._identify() != self._identity:
            raise OSError("the program closed this file")
        write_all(self._fd, data)

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


def write_all(fd: int, data: bytes) -> None:
    """Write everything, patiently where the other end is slow, up to a limit."""
    view = memoryview(data)
    deadline = time.monotonic() + PATIENCE
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
