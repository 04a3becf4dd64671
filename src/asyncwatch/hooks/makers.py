"""Which line made a transport, a stream, a server, a process or a loop: remembered when it is made.

One record for each object while it lives, by weak reference, as for tasks; none for what asyncio made itself, which
are the connections that a server accepts. uvloop's own transports are C objects that nobody sees being made: there it
is the stream around them, or debug mode.
"""

from __future__ import annotations

import functools
import sys
import weakref
from asyncio import _get_running_loop
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.frames import RawFrame, Scope
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.hiding import hide_own_entry
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.sites import Site, Sites
from asyncwatch.hooks.tables import items_of

PART = "hooks.makers"

# asyncio's classes that somebody has to close, by the module that defines them: those whose `__init__` calls nothing
# that would write our frame into a stack of debug mode. All of asyncio's transports go through the first.
CLASSES = (
    ("asyncio.transports", "BaseTransport"),
    ("asyncio.sslproto", "_SSLProtocolTransport"),
    ("asyncio.base_events", "Server"),
    ("asyncio.streams", "StreamWriter"),
)
# Records kept before those of objects that are gone are thrown away.
FEW = 256


class Made(weakref.ref[Any]):
    """One object that was made, and the place, where that is known."""

    __slots__ = ("kind", "site")

    site: Site | None
    kind: str


class Makers:
    """The records of all such objects, by the object's id; the latest at an address is that of the object there."""

    def __init__(self, bus: Bus, scope: Scope) -> None:
        self._bus = bus
        self._sites = Sites(scope)
        self._current = env.current_task_getter()
        self._records: dict[int, Made] = {}
        self._room = FEW

    def install(self, patches: Patches) -> None:
        """Listen at asyncio's classes."""
        for module, name in CLASSES:
            cls = vars(sys.modules[module])[name]
            patches.set(cls, "__init__", self.wrap(cls.__init__))

    def wrap(self, original: Callable[..., None]) -> Callable[..., None]:
        """The replacement for such a class's `__init__`."""
        note = self._note

        @functools.wraps(original)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            try:
                original(self, *args, **kwargs)
            except BaseException as error:
                hide_own_entry(error)
                raise
            note(self)

        return __init__

    def _note(self, thing: Any) -> None:
        if PART in self._bus.broken or not self._bus.open:
            return
        try:
            loop = _get_running_loop()
            task = self._current(loop) if loop is not None else None
            if loop is not None and (task is None or self._is_asyncios(task)):
                self._records.pop(id(thing), None)  # of one that was here before
                return
            record = Made(thing)
            record.site = self._sites.caller(sys._getframe(2), task)
            record.kind = type(thing).__qualname__
            if len(self._records) >= self._room:
                self._forget()
            self._records[id(thing)] = record
        except TypeError:
            pass  # a library's transport may have no room for weak references
        except Exception as error:
            self._bus.fail(PART, error)

    def _is_asyncios(self, task: Any) -> bool:
        """Whether the task runs asyncio's own coroutine, as one for each connection that a server accepts."""
        code = getattr(env.coro_of(task), "cr_code", None)
        return code is not None and self._sites.is_internal(code.co_filename)

    def _forget(self) -> None:
        for key, record in items_of(self._records):
            if record() is None and self._records.get(key) is record:
                del self._records[key]
        self._room = max(FEW, 2 * len(self._records))

    def record_of(self, thing: Any) -> Made | None:
        """The record of an object, also of one that the collector is finalising (its references are cleared)."""
        record = self._records.get(id(thing))
        if record is None or record.kind != type(thing).__qualname__:
            return None  # uvloop's objects have no records; at such an address there may be one of an object before
        found = record()
        return record if found is None or found is thing else None

    def place_of(self, thing: Any) -> tuple[RawFrame, ...]:
        """Where it was made, innermost first; empty where that was asyncio's own doing or nobody saw it."""
        record = self.record_of(thing)
        return record.site.frames if record is not None and record.site is not None else ()
