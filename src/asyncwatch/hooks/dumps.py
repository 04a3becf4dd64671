"""Where `faulthandler` writes stacks down: a file in memory, read and emptied by the watcher; and signals to ask by.

https://docs.python.org/3/library/faulthandler.html#faulthandler.register
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

from asyncwatch.frames import Frame

# Descriptors of ours stay out of the way of a program that closes or counts the low ones.
HIGH = 900
LONGEST = 256 * 1024

_ROW = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


class DumpFile:
    """A file in memory; `fd` is -1 while there is none."""

    def __init__(self) -> None:
        self.fd = -1
        self._identity = (0, 0)

    def open(self) -> int:
        """Raises OSError when there is no descriptor to be had."""
        import fcntl

        low = os.memfd_create("asyncwatch", os.MFD_CLOEXEC)
        try:
            self.fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH)
        except OSError:
            self.fd = os.dup(low)
        os.close(low)
        status = os.fstat(self.fd)
        self._identity = (status.st_dev, status.st_ino)
        return self.fd

    def take(self) -> list[tuple[Frame, ...]]:
        """The stacks written since the last time, each innermost first; the file is empty afterwards."""
        if self.fd < 0:
            return []
        try:
            status = os.fstat(self.fd)
            if (status.st_dev, status.st_ino) != self._identity:
                self.fd = -1  # the program closed our descriptor, and may have its own file there by now
                return []
            if not status.st_size:
                return []
            text = os.pread(self.fd, LONGEST, 0).decode("ascii", "replace")
            os.ftruncate(self.fd, 0)
            os.lseek(self.fd, 0, os.SEEK_SET)
        except OSError:
            self.fd = -1
            return []
        return parse(text)

    def close(self) -> None:
        """Close it unread: after a fork what it says is the parent's to read."""
        if self.fd < 0:
            return
        fd, self.fd = self.fd, -1
        try:
            status = os.fstat(fd)
        except OSError:
            return  # the program has closed it
        if (status.st_dev, status.st_ino) == self._identity:
            os.close(fd)


def free_signals() -> Iterator[int]:
    """Real-time signals that this process neither catches nor ignores, the least used first.

    Which are blocked says nothing: for the moment in which a child process is started, all are.
    """
    taken = 0
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(("SigCgt", "SigIgn")):
                taken |= int(line.split()[1], 16)
    for number in range(signal.SIGRTMAX - 7, signal.SIGRTMIN + 7, -1):
        if not taken >> (number - 1) & 1 and untouched(number):
            yield number


def untouched(number: int) -> bool:
    """Whether the program has not set a handler for a signal that `faulthandler` answers: it is not told of that."""
    return signal.getsignal(number) in (signal.SIG_DFL, None)


def parse(text: str) -> list[tuple[Frame, ...]]:
    """The stacks that `faulthandler` wrote, each innermost first."""
    stacks: list[list[Frame]] = []
    for line in text.splitlines():
        row = _ROW.match(line)
        if row is not None and stacks:
            file, number, function = row.groups()
            stacks[-1].append(Frame(_unescape(file), int(number), _unescape(function)))
        elif line.endswith("(most recent call first):"):
            stacks.append([])
    return [tuple(stack) for stack in stacks if stack]


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(next(filter(None, match.groups())), 16)), text)
