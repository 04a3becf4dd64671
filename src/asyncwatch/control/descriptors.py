"""Descriptors of ours, out of the way of a program that closes or counts the low ones."""

from __future__ import annotations

import os

HIGH = 900


class Descriptor:
    """One descriptor; the program may close it, and then have a file of its own under the same number."""

    def __init__(self, low: int) -> None:
        """Take `low` over, moved up where that is possible. Raises OSError, and closes it, when there is none left."""
        import fcntl

        try:
            try:
                self.fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH)
            except OSError:
                self.fd = os.dup(low)
        finally:
            os.close(low)
        self._identity = self._now()

    def _now(self) -> tuple[int, int] | None:
        try:
            status = os.fstat(self.fd)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    @property
    def is_ours(self) -> bool:
        return self.fd >= 0 and self._now() == self._identity

    def close(self) -> None:
        if self.is_ours:
            os.close(self.fd)
        self.fd = -1
