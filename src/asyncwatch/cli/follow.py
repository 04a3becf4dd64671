"""A file that others write to, read line by line as it grows; it may come later, be cut or be replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator

from asyncwatch.records import LONGEST

AT_ONCE = 1 << 16


class Followed:
    """One file by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._fd = -1
        self._identity = (0, 0)
        self._rest = b""  # of a line that has not ended yet

    def lines(self) -> Iterator[bytes]:
        """The whole lines that are there and have not been read; none while there is no such file.

        Raises:
            OSError: it cannot be read.
        """
        if self._fd < 0 and not self._open():
            return
        yield from self._read()
        if self._is_another() and self._open():
            yield from self._read()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._rest = -1, b""

    def _open(self) -> bool:
        try:
            # Not to wait for a FIFO's writer.
            fd = os.open(self.name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            return False  # it comes later, or is being replaced: what was open is read on
        self.close()
        status = os.fstat(fd)
        self._fd, self._identity = fd, (status.st_dev, status.st_ino)
        return True

    def _is_another(self) -> bool:
        try:
            status = os.stat(self.name)
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) != self._identity

    def _read(self) -> Iterator[bytes]:
        try:
            if os.fstat(self._fd).st_size < os.lseek(self._fd, 0, os.SEEK_CUR):
                os.lseek(self._fd, 0, os.SEEK_SET)  # it was cut, and begins anew
                self._rest = b""
        except OSError:
            pass  # a FIFO
        while part := self._some():
            *whole, rest = (self._rest + part).split(b"\n")
            # Of a line without end the beginning is kept: the next one is whole again.
            self._rest = rest[:LONGEST]
            yield from whole

    def _some(self) -> bytes:
        try:
            return os.read(self._fd, AT_ONCE)
        except BlockingIOError:
            return b""
