"""Where `faulthandler` writes stacks down: a file in memory, read and emptied by the watcher; and signals to ask by.

https://docs.python.org/3/library/faulthandler.html#faulthandler.register
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import signal
from collections.abc import Callable, Iterator

from asyncwatch.frames import Frame

# Descriptors of ours stay out of the way of a program that closes or counts the low ones.
HIGH = 900
# The numbers of standard input, output and error are up to this.
HIGHEST_STANDARD = 2
LONGEST = 256 * 1024

_ROW = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


class DumpFile:
    """A file in memory; `fd` is -1 while there is none."""

    def __init__(self) -> None:
        self.fd = -1
        self._identity = (0, 0)
        self.status = _status
        self.empty = _empty

    def open(self) -> int:
        """Raises OSError when there is no descriptor to be had."""
        import fcntl

        low = os.memfd_create("asyncwatch", os.MFD_CLOEXEC)
        try:
            self.fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH)
        except OSError:
            self.fd = os.dup(low)
        os.close(low)
        found = _status(self.fd)
        self._identity = found[:2]
        if self.status(self.fd) != found:
            self.status = _status  # this system has another layout
        return self.fd

    def take(self) -> list[tuple[Frame, ...]]:
        """The stacks written since the last time, each innermost first; the file is empty afterwards."""
        if self.fd < 0:
            return []
        try:
            *identity, size = self.status(self.fd)
            if tuple(identity) != self._identity:
                self.fd = -1  # the program closed our descriptor, and may have its own file there by now
                return []
            if not size:
                return []
            text = self.empty(self.fd, min(size, LONGEST)).decode("ascii", "replace")
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
            found = _status(fd)
        except OSError:
            return  # the program has closed it
        if found[:2] == self._identity:
            os.close(fd)


def _empty(fd: int, size: int) -> bytes:
    text = os.pread(fd, size, 0)
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    return text


def _status(fd: int) -> tuple[int, int, int]:
    """Device, inode and size of an open file. Raises OSError when there is none."""
    found = os.fstat(fd)
    return found.st_dev, found.st_ino, found.st_size


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


# The same as `signal.getsignal`, which spends ten times as much on names for two of its results.
handler_of: Callable[[int], object] = importlib.import_module("_signal").getsignal


def untouched(number: int) -> bool:
    """Whether the program has not set a handler for a signal that `faulthandler` answers: it is not told of that."""
    return handler_of(number) in (signal.SIG_DFL, None)


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


def make_room() -> None:
    """Have the kernel's table of descriptors reach to `HIGH` while there is one thread: later, that waits for all CPUs.

    It took 6 to 14 ms. https://github.com/torvalds/linux/blob/v6.1/fs/file.c (expand_fdtable)
    """
    import fcntl

    low = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.close(fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH))
    except OSError:
        pass  # so many are not to be had
    finally:
        os.close(low)


@contextlib.contextmanager
def low_numbers_kept() -> Iterator[None]:
    """Where the program has no standard stream its first file gets that number, and no library that stays open.

    libffi, with which ctypes comes, may keep a file of its own open.
    """
    kept = []
    try:
        while (fd := os.open(os.devnull, os.O_RDWR)) <= HIGHEST_STANDARD:
            kept.append(fd)
        os.close(fd)
        yield
    finally:
        for fd in kept:
            os.close(fd)
