"""Audit events: the interpreter's own word that a file is opened, a name resolved, a process started.

An audit hook cannot be removed, so there is one for the life of the process, added when a watcher first asks for it.
While nobody listens it looks up one name in an empty dictionary and returns: 0.1 to 0.3 microseconds for each audited
event (an `id()`, a `sys._getframe()`, an `open()`), of which the interpreter's own part is three quarters.
https://github.com/python/cpython/blob/3.13/Python/sysmodule.c (sys_audit_tstate)
"""

from __future__ import annotations

import sys
from asyncio import _get_running_loop
from collections.abc import Callable
from typing import Any

from asyncwatch.blocking_calls import AUDITED, Call
from asyncwatch.hooks.calls import Calls

# What is listened for, by event; empty while nobody does.
_wanted: dict[str, Call] = {}
_listeners: list[Calls] = []
_added = False

# Events whose first argument is not the path, socket, host or duration that is asked about.
_BY_NUMBER = frozenset({"fcntl.flock", "fcntl.lockf"})


def _heard(
    event: str,
    args: tuple[Any, ...],
    wanted: dict[str, Call] = _wanted,
    listeners: list[Calls] = _listeners,
    running: Callable[[], Any] = _get_running_loop,
    frame: Callable[[int], Any] = sys._getframe,
) -> None:
    # Bound as defaults: at the end of the interpreter a module's names may be gone, the hook is not. What a hook raises
    # would stop the program's call.
    call = wanted.get(event)
    if call is None or running() is None:
        return
    given = {"1": args[1]} if event in _BY_NUMBER and len(args) > 1 else {}
    first = args[0] if args else None
    for calls in tuple(listeners):
        calls.blocked(call, first, frame(1), given, first)


def listen(calls: Calls) -> None:
    """Have `calls` hear of blocking calls. Raises what a hook of the program's says to another hook."""
    global _added
    if not _added:
        sys.addaudithook(_heard)
        _added = True
    _listeners.append(calls)
    _wanted.update(AUDITED)


def forget(calls: Calls) -> None:
    """Stop telling `calls`."""
    if calls in _listeners:
        _listeners.remove(calls)
    if not _listeners:
        _wanted.clear()
