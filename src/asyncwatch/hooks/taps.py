"""What asyncio and the interpreter already say: heard, and taken over when a finding will say it.

Taken over means kept off the program's plain stderr and nothing else: every handler the program configured itself
(a file, a collector, a test's capture) still gets the record, `catch_warnings` still records, filters still count.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asyncwatch.frames import PACKAGE
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.patch import Patches

PART = "hooks.taps"
_MARK = "_asyncwatch_taken"


# asyncio and uvloop use the same words, uvloop's timers with another conversion.
_EXECUTING = ("Executing %s took", "Executing %r took")


# What the default handler says of itself, when it raises: no finding has said that.
# https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py (call_exception_handler)
_WHILE = " while handling an unexpected error in custom exception handler"
_OWN_FAULTS = tuple("Exception in default exception handler" + more for more in ("", _WHILE))


class _Mute(logging.Filter):
    """On a handler that writes to plain stderr: lets through all but the marked records."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _MARK not in record.__dict__


class LogTap(logging.Filter):
    """On the `asyncio` logger: marks what is taken over; drops nothing but what is said of our own callbacks.

    `slow` is asked about debug mode's own report of a slow callback: `(loop, seconds) -> taken`.
    """

    def __init__(self, bus: Bus, slow: Callable[[Any, float], bool]) -> None:
        super().__init__()
        self._bus = bus
        self._slow = slow
        self._mute = _Mute()
        self._muted: list[logging.Handler] = []
        self._local = threading.local()
        self._logger = logging.getLogger("asyncio")

    def install(self) -> None:
        self._logger.addFilter(self)

    def uninstall(self) -> None:
        self._logger.removeFilter(self)
        while self._muted:
            self._muted.pop().removeFilter(self._mute)

    @contextmanager
    def taking(self, taken: bool = True) -> Iterator[None]:
        """What this thread's asyncio logs inside is taken over, or is not."""
        before = getattr(self._local, "taking", False)
        self._local.taking = taken
        try:
            yield
        finally:
            self._local.taking = before

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            if _is_ours(record):
                return False  # without us there would be no such callback
            if (getattr(self._local, "taking", False) and record.msg not in _OWN_FAULTS) or self._is_slow(record):
                self._mute_stderr()
                record.__dict__[_MARK] = True
        except Exception as error:
            self._bus.fail(PART, error)
        return True

    def _is_slow(self, record: logging.LogRecord) -> bool:
        # https://github.com/python/cpython/blob/3.11/Lib/asyncio/base_events.py#L1927
        if not _says_slow(record):
            return False
        from asyncio import _get_running_loop

        loop, args = _get_running_loop(), record.args
        if loop is None or not isinstance(args, tuple) or not self._bus.works(PART):
            return False
        return "AW101" in self._bus.enabled and self._slow(loop, float(args[-1]))  # type: ignore[arg-type]

    def _mute_stderr(self) -> None:
        for handler in _stderr_handlers(self._logger):
            if handler not in self._muted:
                handler.addFilter(self._mute)
                self._muted.append(handler)


def _says_slow(record: logging.LogRecord) -> bool:
    """Whether this is debug mode's own report of a slow callback."""
    return isinstance(record.msg, str) and record.msg.startswith(_EXECUTING)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether it is a callback of ours that took long: on a machine without a CPU to spare any may."""
    if not _says_slow(record) or not isinstance(record.args, tuple) or not record.args:
        return False
    handle = str(record.args[0])
    return handle.startswith("<Handle ") and (PACKAGE in handle or "<Handle LoopState.pong" in handle)


def _stderr_handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    """The handlers that put this logger's records on plain stderr and do nothing else with them."""
    found = False
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            found = True
            if type(handler) is logging.StreamHandler and handler.stream in (sys.stderr, sys.__stderr__):
                yield handler
        current = current.parent if current.propagate else None
    if not found and logging.lastResort is not None:
        yield logging.lastResort


def is_recorded() -> bool:
    """Whether a context-aware `catch_warnings(record=True)` is listening (3.14 and later)."""
    context = getattr(warnings, "_get_context", None)
    return context is not None and getattr(context(), "log", None) is not None


class Unraisable:
    """Chains `sys.unraisablehook` to keep quiet about one exception that was taken over."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._local = threading.local()
        self._previous = sys.unraisablehook

    def install(self, patches: Patches) -> None:
        self._previous = sys.unraisablehook
        patches.set(sys, "unraisablehook", self)

    def expect(self, error: BaseException) -> None:
        """This exception is about to be reported by the interpreter as ignored; a finding says it."""
        self._local.expected = error

    def __call__(self, unraisable: Any) -> Any:
        expected, self._local.expected = getattr(self._local, "expected", None), None
        if expected is not None and unraisable.exc_value is expected and self._previous is sys.__unraisablehook__:
            return None
        return self._previous(unraisable)
