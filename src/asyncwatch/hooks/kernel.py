"""Kernel timers on a thread's CPU clock, by ctypes: the standard library has none.

https://man7.org/linux/man-pages/man2/timer_create.2.html (SIGEV_THREAD_ID)
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from typing import Any

_SIGEV_THREAD_ID = 4
_RELATIVE = 0
_DEFAULT, _IGNORE = 0, 1


class _Event(ctypes.Structure):
    """struct sigevent, as 64-bit Linux has it."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("padding", ctypes.c_int * 11),
    )


class _Spec(ctypes.Structure):
    """struct itimerspec: interval, then value."""

    _fields_ = (
        ("interval", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


_Small = ctypes.c_char * 128
_Status = ctypes.c_uint64 * 32


class Library:
    """The C library's timer calls. They do not block, so the GIL is kept over them.

    Raises:
        OSError, AttributeError: where they are not to be had.
    """

    def __init__(self) -> None:
        if sys.maxsize <= 2**32:
            raise OSError("the layout of a timer is known for 64-bit systems only")
        self._library: Any = ctypes.PyDLL(None, use_errno=True)
        if not hasattr(self._library, "timer_create"):  # glibc before 2.34 has them in a library of their own
            self._library = ctypes.PyDLL("librt.so.1", use_errno=True)
        self.create = self._library.timer_create
        self.set = self._library.timer_settime
        self.delete = self._library.timer_delete
        self._signal = self._library.signal
        self._signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
        self._signal.restype = ctypes.c_void_p

    def drop(self, number: int) -> None:
        """Give a signal its default action, which is to kill, after one that may wait in a mask has been forgotten."""
        self._signal(number, _IGNORE)
        self._signal(number, _DEFAULT)


class Timer:
    """A one-shot timer: when a clock of CPU time has gone on that much, the thread `target` gets the signal."""

    def __init__(self, library: Library, clock: int, target: int, signal: int) -> None:
        """Raises OSError when the kernel has no such clock, no such thread or no timer to give."""
        self._library = library
        self._id: Any = ctypes.c_void_p()
        self._spec = _Spec()
        self._at = ctypes.byref(self._spec)
        event = _Event(None, signal, _SIGEV_THREAD_ID, target)
        if library.create(clock, ctypes.byref(event), ctypes.byref(self._id)):
            raise OSError(ctypes.get_errno(), f"no kernel timer for thread {target}")
        # Disarms it, in one call of C code. With a specification of its own: one thread may disarm while another arms.
        never = ctypes.byref(_Spec())
        self.stop: Callable[[], object] = functools.partial(library.set, self._id, _RELATIVE, never, None)

    @property
    def number(self) -> int:
        """What the C library calls it."""
        return self._id.value or 0

    def arm(self, seconds: float) -> bool:
        """Begin anew, `seconds` of CPU from now. False when the thread or the timer is no more."""
        whole = int(seconds)
        self._spec.seconds, self._spec.nanoseconds = whole, int((seconds - whole) * 1e9)
        number = self._id  # read last: another thread may delete the timer
        return number is not None and bool(self._library.set(number, _RELATIVE, self._at, None) == 0)

    def delete(self) -> None:
        """It may be armed no more: the kernel gives its number to the next timer, of whomever."""
        number, self._id, self.stop = self._id, None, int
        self._library.delete(number)


class Files:
    """Small system calls that do not block, made with the GIL kept.

    Python's own functions give it away. A thread that computes gives it back a switch interval later, and both have
    been woken for that: of a look into a busy program that was most of the price, four times over.
    """

    def __init__(self) -> None:
        """Raises AttributeError where the C library has other names for them."""
        library = ctypes.PyDLL(None)
        self._open, self._read, self._close, self._fstat = library.open, library.read, library.close, library.fstat
        self._pread, self._truncate, self._seek = library.pread, library.ftruncate, library.lseek
        self._pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
        self._pread.restype = ctypes.c_ssize_t
        self._truncate.argtypes = (ctypes.c_int, ctypes.c_long)
        self._seek.argtypes = (ctypes.c_int, ctypes.c_long, ctypes.c_int)
        self._open.argtypes = (ctypes.c_char_p, ctypes.c_int)
        self._read.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
        self._read.restype = ctypes.c_ssize_t

    def read(self, path: bytes) -> bytes:
        """The first bytes of a small file; empty where there is none."""
        fd = self._open(path, os.O_RDONLY | os.O_CLOEXEC)
        if fd < 0:
            return b""
        buffer = _Small()
        count = self._read(fd, buffer, 128)
        self._close(fd)
        return buffer.raw[: max(0, count)]

    def empty(self, fd: int, size: int) -> bytes:
        """What is in a file in memory, up to so many bytes; it is empty afterwards."""
        buffer = ctypes.create_string_buffer(size)
        count = self._pread(fd, buffer, size, 0)
        self._truncate(fd, 0)
        self._seek(fd, 0, os.SEEK_SET)
        return buffer.raw[: max(0, count)]

    def status(self, fd: int) -> tuple[int, int, int]:
        """Device, inode and size of an open file; minus ones where there is none.

        On all 64-bit Linux systems known they stand at these places of struct stat; who calls this has compared.
        """
        found = _Status()
        if self._fstat(fd, found):
            return -1, -1, -1
        return found[0], found[1], found[6]
