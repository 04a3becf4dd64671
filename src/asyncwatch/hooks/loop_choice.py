"""The hook behind `--loop`: which loop a program gets that asks for none.

A program that names its loop, by a loop factory, a loop class or an event loop policy of its own, keeps it.
So no policy is set: only what the default one makes is changed, which is where `asyncio.run()`, `Runner()`,
`new_event_loop()` and, before Python 3.14, `get_event_loop()` end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from asyncwatch.config import ConfigError
from asyncwatch.hooks.patch import Patches


def choose(kind: str) -> Callable[[], None]:
    """Make `kind` ("uvloop"; "auto" and "asyncio" change nothing) the default; returns the undo.

    Raises:
        ConfigError: when uvloop is asked for and not installed.
    """
    patches = Patches()
    if kind == "uvloop":
        factory = _uvloop()
        policies = list(_default_policies())
        for policy in policies:
            patches.set(policy, "_loop_factory", factory)
        if not policies:  # a Python without policies: there the function itself is the default
            for module in (asyncio, asyncio.events):
                patches.set(module, "new_event_loop", lambda: factory())

    def undo() -> None:
        patches.undo()

    return undo


def _uvloop() -> Callable[[], Any]:
    try:
        import uvloop
    except ImportError:
        raise ConfigError("--loop uvloop: uvloop is not installed (pip install uvloop)") from None
    return uvloop.Loop


def _default_policies() -> Iterator[type]:
    """The class, whatever this Python calls it, that makes the loops of programs that set no policy."""
    # Looked up by what it does: its names are deprecated one after another, and asking for one warns.
    for name in ("unix_events", "windows_events"):
        for item in vars(vars(asyncio).get(name, object)).values():
            if isinstance(item, type) and _makes_default_loops(item):
                yield item


def _makes_default_loops(item: type) -> bool:
    return item.__name__.endswith("DefaultEventLoopPolicy") and vars(item).get("_loop_factory") is not None
