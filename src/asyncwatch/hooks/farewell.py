"""A process that kills itself by a signal, or leaves by `os._exit`, says its summary first.

uvicorn, for one, shuts down in order and then raises the signal it was stopped by, with the default action: no exit
handler runs after that. A signal that comes from outside is left to the host as it is.
https://docs.python.org/3/library/signal.html#signal.raise_signal

A child that multiprocessing forks ends by `os._exit`, with the parent's exit handlers forgotten from Python 3.13 on.
https://github.com/python/cpython/blob/3.13/Lib/multiprocessing/popen_fork.py#L62 (_launch)
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from typing import Any

from asyncwatch.hooks.patch import Patches

_HARMLESS = {
    getattr(signal, name)
    for name in ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
    if hasattr(signal, name)
}


def install(patches: Patches, last_words: Callable[[], None]) -> None:
    """Patch both ways out."""
    patches.set(signal, "raise_signal", wrap(signal.raise_signal, last_words))
    patches.set(os, "_exit", wrap_exit(os._exit, last_words))


def wrap(original: Callable[[int], None], last_words: Callable[[], None]) -> Callable[[int], None]:
    """The replacement for `signal.raise_signal`."""

    @functools.wraps(original)
    def raise_signal(signalnum: int, /) -> Any:
        if is_fatal(signalnum):
            last_words()
        return original(signalnum)

    raise_signal.__module__ = signal.__name__  # as every other Python function there
    return raise_signal


def wrap_exit(original: Callable[[int], None], last_words: Callable[[], None]) -> Callable[[int], None]:
    """The replacement for `os._exit`."""

    @functools.wraps(original)
    def _exit(status: int) -> Any:
        try:
            last_words()
        finally:  # come what may: the process ends here
            original(status)

    _exit.__module__ = "os"  # where pickle is to look for it
    return _exit


def is_fatal(signalnum: Any) -> bool:
    """Whether raising this signal now ends the process at once."""
    try:
        return signalnum not in _HARMLESS and signal.getsignal(signalnum) is signal.SIG_DFL
    except (TypeError, ValueError):
        return False
