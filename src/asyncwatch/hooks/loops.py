"""Loops: every one a process creates is noticed when it is made, in whatever thread and by whatever door.

asyncio's own loops pass through `BaseEventLoop.__init__`. Others (uvloop and its kin) are subclasses of
`AbstractEventLoop`; such a class is seen when it is defined, so uvloop need not be imported for it, and no policy
is involved. A loop that was made before us is noticed at its first `create_task`.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import threading
import weakref
from asyncio import base_events
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from asyncwatch.events import LoopFacts
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.patch import Patches
from asyncwatch.hooks.stacks import thread_name
from asyncwatch.hooks.tables import items_of

PART = "hooks.loops"


class LoopState:
    """What is known of one loop; written by its own thread in `pong`, read by the watcher."""

    def __init__(self, loop: Any, number: int, bus: Bus) -> None:
        self.ref = weakref.ref(loop)
        self.kind = loop_kind(loop)
        self.number = number
        self.bus = bus
        self.born = bus.now()  # for us: made, or first met
        self.baseline: tuple[Any, ...] | None = None  # its thread's numbers at that time, for a record's first row
        self.closing = False
        self.signals: list[weakref.ref[Any]] = []  # the callbacks of signals, and what they are given
        self.left: list[tuple[Any, Any]] = []  # tasks that the shutdown met pending: record and event
        self.work: Callable[[Any], None] | None = None  # a slice of sweeping, run between two callbacks
        self.pongs = 0
        self.pong_at = 0.0
        self.asked_at = 0.0  # by the watcher, for a sign of life that has not come yet
        self.late = 0.0  # seconds in all that the loop let such a question wait
        self.base: CodeType | None = None  # what runs the loop, or asyncio's code that runs each callback
        self.traced = False
        self.enter(threading.get_ident())

    def enter(self, ident: int) -> None:
        """Remember which thread runs the loop."""
        self.ident = ident
        thread = threading._active.get(ident)  # type: ignore[attr-defined]
        own = ident == threading.get_ident()
        self.native = threading.get_native_id() if own else getattr(thread, "native_id", None)
        self.facts = LoopFacts(self.kind, thread_name(ident), self.number)

    def rests(self, pongs: int, now: float) -> None:
        """The watcher saw it wait for something to do, and it had answered `pongs` times when it was last asked."""

    def pong(self) -> None:
        """Runs on the loop, called by nobody but the loop: proof that it answers."""
        try:
            ident = threading.get_ident()
            if ident != self.ident or not self.pongs:
                self.enter(ident)
            caller = sys._getframe(1)
            self.base = caller.f_code
            self.traced = sys.gettrace() is not None
            if self.asked_at:
                self.late += max(0.0, self.bus.now() - self.asked_at)
                self.asked_at = 0.0
            loop = self.ref()
            if self.work is not None and loop is not None:
                self.work(loop)
        except Exception as error:
            self.work = None
            self.bus.fail("hooks.sweep", error)
        finally:
            self.pong_at = self.bus.answered_at = self.bus.now()
            self.pongs += 1


def loop_kind(loop: Any) -> str:
    """A loop's class as its users write it."""
    cls = type(loop)
    if hasattr(cls, "KIND"):
        return str(cls.KIND)
    for name in ("SelectorEventLoop", "ProactorEventLoop"):
        if getattr(asyncio, name, None) is cls:
            return f"asyncio.{name}"
    return f"{cls.__module__}.{cls.__qualname__}"[:200]


class Loops:
    """All living loops, and the class patches that notice them."""

    def __init__(self, bus: Bus, on_new: Callable[[Any], None]) -> None:
        self._bus = bus
        self._on_new = on_new
        self._states: dict[int, LoopState] = {}
        # By number, until the watcher is done with them: a new loop may get the address of one just closed.
        self._watched: dict[int, LoopState] = {}
        self._others: dict[int, LoopState] = {}
        self._classes: list[Callable[[type], None]] = []
        self._patched: set[type] = set()
        self.count = self._numbers = 0  # loops that all hooks know of; numbers given

    def state(self, loop: Any) -> LoopState | None:
        """The state of a loop, noticing it now if nobody did before; None for what is no loop of ours to watch."""
        return self.known(loop) or self.adopt(loop)

    def known(self, loop: Any) -> LoopState | None:
        """The state of a loop that is already watched."""
        state = self._states.get(id(loop))
        return state if state is not None and state.ref() is loop else None

    def __iter__(self) -> Iterator[LoopState]:
        return iter(list(self._watched.values()))

    def every(self) -> list[LoopState]:
        """The loops, and what is no loop of asyncio's and is looked at like one."""
        return [*self, *list(self._others.values())]

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def enlist(self, state: LoopState) -> None:
        """Have the watcher look at what is no loop of asyncio's."""
        self._others[state.number] = state
        self.count += 1

    def adopt(self, loop: Any) -> LoopState | None:
        """Begin to watch a loop."""
        state = self.known(loop)
        if state is not None or not self._bus.open:
            return state
        try:
            state = self._states[id(loop)] = LoopState(loop, self.next_number(), self._bus)
            self._watched[state.number] = state
            self._on_new(loop)
            self.count += 1
        except Exception as error:
            self._bus.fail(PART, error)
            return None
        return state

    def probe(self) -> int:
        """Called in the main thread, in the middle of anything: how often its loop has answered; it is asked again."""
        for state in self:
            loop = state.ref()
            if state.native == os.getpid() and loop is not None and loop.is_running():
                loop.call_soon_threadsafe(state.pong)
                return state.pongs
        return 0

    def forget(self, state: LoopState) -> None:
        self._watched.pop(state.number, None)
        self._others.pop(state.number, None)
        for key, known in items_of(self._states):
            if known is state:
                del self._states[key]

    def rethread(self) -> None:
        """After a fork: a loop of the parent's is noticed again when the child uses it."""
        self._states.clear()
        self._watched.clear()
        self._others.clear()
        self.count = self._numbers = 0

    def each_class(self, patch: Callable[[type], None]) -> None:
        """Have `patch` called for asyncio's base loop, for every other loop class and for each yet to be defined."""
        self._classes.append(patch)

    def classes(self) -> list[type]:
        """The classes that are patched."""
        return list(self._patched)

    def install(self, patches: Patches) -> None:
        """Patch what is there and wait for what comes."""
        self.each_class(functools.partial(_patch_init, self, patches))
        self._patch(base_events.BaseEventLoop)
        for cls in _all_subclasses(asyncio.AbstractEventLoop):
            self._consider(cls)
        hook = classmethod(functools.partial(_subclass_defined, self))
        patches.set(asyncio.AbstractEventLoop, "__init_subclass__", hook)

    def _consider(self, cls: type) -> None:
        """A foreign loop class is patched where it enters asyncio's family; its subclasses inherit that."""
        if issubclass(cls, base_events.BaseEventLoop) or asyncio.AbstractEventLoop not in cls.__bases__:
            return
        if cls.__module__.split(".")[0] != "asyncio":
            self._patch(cls)

    def _patch(self, cls: type) -> None:
        if cls in self._patched:
            return
        self._patched.add(cls)
        for patch in self._classes:
            patch(cls)


def _subclass_defined(loops: Loops, cls: type, **kwargs: Any) -> None:
    try:
        super(asyncio.AbstractEventLoop, cls).__init_subclass__(**kwargs)  # type: ignore[misc]
    finally:
        try:
            if loops._bus.open:
                loops._consider(cls)
        except Exception as error:
            loops._bus.fail(PART, error)


def _all_subclasses(cls: Any) -> Iterator[type]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _all_subclasses(sub)


def _patch_init(loops: Loops, patches: Patches, cls: Any) -> None:
    # A class without an `__init__` of its own would, given ours, no longer pass arguments to its `__new__`.
    if cls.__init__ is not object.__init__:
        patches.set(cls, "__init__", _wrap_init(cls.__init__, loops))


def _wrap_init(original: Callable[..., None], loops: Loops) -> Callable[..., None]:
    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        loops.adopt(self)

    return __init__
