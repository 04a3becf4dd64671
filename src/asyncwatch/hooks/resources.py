"""Transports, streams, servers, processes, loops and sessions that nobody closed: heard from their destructors.

asyncio's destructors know best what is closed, and take the function that warns as a default value:
`def __del__(self, _warn=warnings.warn)`. Replacing that value hears them in both profiles, where the interpreter's
filters would drop the warning, and costs nothing as long as nobody warns. What warns in another way (a socket, uvloop's
handles, a library) is heard when it is shown, so in profile debug; and a library that also tells the loop, always.
https://github.com/python/cpython/blob/3.13/Lib/asyncio/selector_events.py#L867 (_SelectorTransport.__del__)
"""

from __future__ import annotations

import _warnings
import asyncio
import re
import subprocess
import sys
import threading
import warnings
from asyncio import base_events, streams
from collections.abc import Callable, Iterator
from types import FrameType, FunctionType, SimpleNamespace
from typing import Any

from asyncwatch.events import LoopFacts
from asyncwatch.frames import PACKAGE, Place
from asyncwatch.hooks import droppers as seen
from asyncwatch.hooks import kinds
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.droppers import Droppers
from asyncwatch.hooks.loops import Loops
from asyncwatch.hooks.makers import Makers
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.tables import items_of
from asyncwatch.hooks.taps import Unraisable, is_recorded
from asyncwatch.resource_events import ResourceUnclosed

PART = "hooks.resources"
CODE = "AW402"
LIGHT = "asyncio's own classes, and libraries that tell the loop; sockets and uvloop's transports in profile debug"
# Where destructors that warn are defined, as far as this platform has it.
MODULES = ("base_events", "base_subprocess", "selector_events", "proactor_events", "sslproto", "streams", "unix_events")
# Things that were reported, or belong to one that was, remembered until there are so many.
MOST_SAID = 200
# The words of asyncio, uvloop, the interpreter and aiohttp; not all that is warned of a resource is that it was left.
_UNCLOSED = re.compile(r"\bunclosed\b|\bis still running\b", re.I)
_SHOWING = ("/warnings.py", "/_py_warnings.py")


class Resources:
    """Hears of what was never closed."""

    def __init__(self, bus: Bus, loops: Loops, droppers: Droppers, makers: Makers, unraisable: Unraisable) -> None:
        self._bus = bus
        self._loops = loops
        self._droppers = droppers
        self._makers = makers
        self._unraisable = unraisable
        self._local = threading.local()
        self._said: dict[int, Any] = {}

    # -- what is replaced --

    def install(self, patches: Patches) -> None:
        """Listen at the destructors and at what shows warnings."""
        self._show = warnings._showwarnmsg_impl  # type: ignore[attr-defined]
        patches.set(warnings, "_showwarnmsg_impl", self.show)
        if CODE not in self._bus.enabled:
            return
        self._makers.install(patches)
        function, module = (
            self._warner(lambda: _warnings.warn),
            SimpleNamespace(warn=self._warner(lambda: warnings.warn)),
        )
        for destructor in _destructors():
            values = destructor.__defaults__ or ()
            heard = [function if one is _warnings.warn else module if one is warnings else one for one in values]
            if heard != list(values):
                patches.set_defaults(destructor, tuple(heard))
            elif destructor.__globals__ is vars(streams):
                patches.set(streams, "warnings", module)  # until Python 3.12 it uses its module's global name
        patches.set(base_events.Server, "__del__", self._server_ends())

    def patch_class(self, patches: Patches, cls: Any) -> None:
        """Remember where loops of this class are made."""
        if CODE in self._bus.enabled and cls.__init__ is not object.__init__:
            patches.set(cls, "__init__", self._makers.wrap(cls.__init__))

    def _warner(self, original: Callable[[], Callable[..., None]]) -> Callable[..., None]:
        """What a destructor calls instead of `warnings.warn`, one frame deeper."""

        def warn(message: Any, category: Any = None, stacklevel: int = 1, source: Any = None, **more: Any) -> None:
            frame = sys._getframe(1)
            thing = source if source is not None else frame.f_locals.get("self")
            taken = category is ResourceWarning and self._guarded(thing, "", frame)
            local.judged, local.taken = category is ResourceWarning, taken
            try:
                original()(message, category, stacklevel + 1, source, **more)
            except Warning as error:
                if taken:
                    self._unraisable.expect(error)
                error.__traceback__ = None  # our frame
                raise
            finally:
                local.judged = local.taken = False

        local = self._local
        return warn

    def _server_ends(self) -> Callable[[Any], None]:
        def __del__(self: Any) -> None:
            # It says nothing itself; its sockets do, which know no line.
            if getattr(self, "_sockets", None):
                resources._guarded(self, "", sys._getframe(0))

        resources = self
        return __del__

    def show(self, message: Any) -> None:
        """What `warnings` calls to put a warning on stderr, unless the program replaced that."""
        local = self._local
        taken = getattr(local, "taken", False)
        if not getattr(local, "judged", False) and message.category is ResourceWarning and self._bus.open:
            _hide_us(message, sys._getframe(1))
            text = str(message.message)
            taken = bool(_UNCLOSED.search(text)) and self._guarded(message.source, text, sys._getframe(1))
        if not taken or is_recorded():
            self._show(message)

    def reported(self, context: dict[str, Any]) -> bool:
        """A library tells the loop of something unclosed, as aiohttp does, after having warned of it."""
        thing = next((one for name, one in context.items() if name != "message" and kinds.kind_of(one)), None)
        return thing is not None and self._guarded(thing, "", sys._getframe(1), context.get("source_traceback"))

    # -- what is said --

    def _guarded(self, thing: Any, text: str, frame: FrameType, stack: Any = None) -> bool:
        """Whether a finding says it."""
        if not self._bus.works(PART) or CODE not in self._bus.enabled:
            return False
        try:
            return self._taken(thing, text, frame, stack)
        except Exception as error:
            self._bus.fail(PART, error)
            return False

    def _taken(self, thing: Any, text: str, frame: FrameType | None, stack: Any) -> bool:
        thing = kinds.whole(thing)
        if thing is not None and self._is_said(thing):
            return True
        kind, name = (kinds.kind_of(thing), kinds.name_of(thing)) if thing is not None else kinds.kind_in(text)
        while frame is not None and (frame.f_code.co_name == "__del__" or not _is_dropper(frame)):
            frame = frame.f_back
        if not kind or (isinstance(thing, kinds.ANYBODYS) and not _in_a_loop(thing)):
            return False
        dropped, task = self._droppers.seen_from(frame)
        loop = kinds.loop_of(thing)
        created = self._created(thing, text, loop, stack)
        late = bool(loop is not None and loop is not thing and loop.is_closed())
        event = ResourceUnclosed(self._facts(loop), kind, name, kinds.serves(thing), created, dropped, late, task)
        said = self._bus.emit(event)
        if said and thing is not None:
            self._remember(thing)
        return said

    def _facts(self, loop: Any) -> LoopFacts | None:
        state = self._loops.known(loop if loop is not None else asyncio._get_running_loop())
        return state.facts if state is not None else None

    def _created(self, thing: Any, text: str, loop: Any, stack: Any) -> tuple[Place, ...]:
        state = self._loops.known(loop)
        if thing is None:
            return seen.written(text, self._loops.known(asyncio._get_running_loop()))
        for one in (thing, *kinds.parts(thing)):
            place = self._makers.place_of(one)
            if place:
                return place
        return seen.recorded(stack or kinds.read(thing, "_source_traceback"), state)

    def _is_said(self, thing: Any) -> bool:
        ref = self._said.get(id(thing))
        return ref is not None and ref() is thing

    def _remember(self, thing: Any) -> None:
        """It and its parts have been reported; each may have a destructor that would say it again."""
        if len(self._said) >= MOST_SAID:
            for key, ref in items_of(self._said):
                if ref() is None:
                    self._said.pop(key, None)
            if len(self._said) >= MOST_SAID:
                self._said.clear()
        for one in (thing, *kinds.parts(thing)):
            ref = kinds.reference(one)
            if ref is not None:
                self._said[id(one)] = ref


def _destructors() -> Iterator[FunctionType]:
    modules = [sys.modules.get(f"asyncio.{name}") for name in MODULES]
    for module in (subprocess, *filter(None, modules)):
        for cls in list(vars(module).values()):
            if isinstance(cls, type) and cls.__module__ == module.__name__:
                destructor = vars(cls).get("__del__")
                if isinstance(destructor, FunctionType):
                    yield destructor


def _hide_us(message: Any, frame: FrameType | None) -> None:
    """C code warns of the line that called it; where that is ours, of the line that called us."""
    while str(message.filename).startswith(PACKAGE) and frame is not None:
        if _is_dropper(frame) and not frame.f_code.co_filename.startswith(PACKAGE):
            message.filename, message.lineno = frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def _is_dropper(frame: FrameType) -> bool:
    """Whether a frame is not that of the machinery that shows warnings."""
    return not frame.f_code.co_filename.endswith(_SHOWING)


def _in_a_loop(thing: Any) -> bool:
    """Whether something that any program may have belongs to an asyncio program: a socket that does not block."""
    blocking = getattr(thing, "gettimeout", None)
    return asyncio._get_running_loop() is not None or (blocking is not None and blocking() == 0)
