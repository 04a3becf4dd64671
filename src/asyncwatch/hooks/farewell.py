"""A process that kills itself by a signal says its summary first.

uvicorn, for one, shuts down in order and then raises the signal it was stopped by, with the default action: no exit
handler runs after that. A signal that comes from outside is left to the host as it is.
https://docs.python.org/3/library/signal.html#signal.raise_signal
"""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable
from typing import Any

_HARMLESS = {
    getattr(signal, name)
    for name in ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
    if hasattr(signal, name)
}


def wrap(original: Callable[[int], None], last_words: Callable[[], None]) -> Callable[[int], None]:
    """The replacement for `signal.raise_signal`."""

    @functools.wraps(original)
    def raise_signal(signalnum: int, /) -> Any:
        if is_fatal(signalnum):
            last_words()
        return original(signalnum)

    raise_signal.__module__ = signal.__name__  # as every other Python function there
    return raise_signal


def is_fatal(signalnum: Any) -> bool:
    """Whether raising this signal now ends the process at once."""
    try:
        return signalnum not in _HARMLESS and signal.getsignal(signalnum) is signal.SIG_DFL
    except (TypeError, ValueError):
        return False
