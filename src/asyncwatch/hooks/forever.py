"""Waits that are meant to last: `await asyncio.Future()  # run forever`, and what a signal will end.

A future or event that was made in the very function that awaits it, and given to nobody, can be meant for nothing else:
by the program's main task, or inside a `with` or `try`, which do something when the wait is cancelled.
"""

from __future__ import annotations

import asyncio
import dis
import functools
import gc
import signal
import sys
import weakref
from asyncio import base_events
from collections.abc import Callable
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType
from typing import Any

from asyncwatch.cleanups import keeps_open
from asyncwatch.hooks import waiting
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loops import Loops, LoopState
from asyncwatch.hooks.stacks import ASYNCIO

PART = "hooks.forever"
MOST_SIGNALS = 64
# How far an awaited name may lie before its `await`, in instructions; and how deep a signal's callback is searched.
MOST_STEPS = 12
DEEPEST = 4
_MAKERS = frozenset({"Future", "Event", "create_future"})
_REFERABLE: tuple[type, ...] = (FunctionType, MethodType, BuiltinFunctionType, functools.partial, asyncio.Future)
_WAYS: tuple[type, ...] = (FunctionType, MethodType, BuiltinFunctionType, CellType, functools.partial, tuple)
_ELSEWHERE = ("STORE_SUBSCR", "STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF", "STORE_NAME")
_LOCALS = ("LOAD_FAST", "LOAD_DEREF")


def signal_classes(cls: Any) -> list[Any]:
    """The classes that have `add_signal_handler` for loops of this class: asyncio's base class itself has none."""
    unix = sys.modules.get("asyncio.unix_events")
    return [unix._UnixSelectorEventLoop] if cls is base_events.BaseEventLoop and unix is not None else [cls]


def wrap_signals(original: Callable[..., None], loops: Loops, bus: Bus) -> Callable[..., None]:
    """The replacement for a loop class's `add_signal_handler`: remembers, weakly, what a signal will call."""

    @functools.wraps(original)
    def add_signal_handler(self: Any, sig: Any, callback: Any, *args: Any) -> None:
        original(self, sig, callback, *args)
        if not bus.works(PART):
            return
        try:
            state = loops.state(self)
            if state is not None:
                state.signals = [one for one in state.signals if one() is not None][-MOST_SIGNALS:]
                things = (callback, *args)
                state.signals += [weakref.ref(thing) for thing in things if issubclass(type(thing), _REFERABLE)]
        except Exception as error:
            bus.fail(PART, error)

    return add_signal_handler


def on_purpose(task: Any, wait: waiting.Wait, state: LoopState, *, root: bool) -> bool:
    """Whether this wait is for ever by intention, or until a signal comes."""
    if wait.kind not in ("future", "event"):
        return False
    handlers = [*(one() for one in state.signals), *map(signal.getsignal, signal.valid_signals())]
    if any(_leads_to(handler, wait.target, DEEPEST) for handler in handlers):
        return True
    chain = waiting.links(task)
    own = [frame for link in chain if (frame := waiting.frame_of(link)) and not _is_asyncios(frame.f_code)]
    if not own or not (root or any(keeps_open(frame.f_code, frame.f_lasti) for frame in own)):
        return False
    return _is_private(own[-1].f_code, own[-1].f_lasti, root)


def _is_asyncios(code: CodeType) -> bool:
    return code.co_filename.startswith(ASYNCIO)


def made_in_place(task: Any, wait: waiting.Wait) -> bool:
    """Whether what is awaited has no name at all: its author knew that nobody would ever set it."""
    frames = [frame for link in waiting.links(task) if (frame := waiting.frame_of(link))]
    own = [frame for frame in frames if not _is_asyncios(frame.f_code)]
    return wait.kind in ("future", "event") and bool(own) and _awaits(own[-1].f_code, own[-1].f_lasti)[0]


@functools.lru_cache(maxsize=512)
def _is_private(code: CodeType, lasti: int, parameters: bool) -> bool:
    """Whether what is awaited at this instruction was made right there, or has a name that is used for nothing else.

    A parameter came from somebody else; that somebody is nobody only where the function is the whole program's.
    """
    in_place, name = _awaits(code, lasti)
    return in_place or (name is not None and _used_once(code, name, parameters))


@functools.lru_cache(maxsize=512)
def _awaits(code: CodeType, lasti: int) -> tuple[bool, str | None]:
    """Whether what is awaited here was made by the same expression, and else its name, if it is a plain local."""
    steps = list(dis.get_instructions(code))
    at = next((number for number, step in enumerate(steps) if step.offset == lasti), 0)
    names: set[object] = set()
    for step in reversed(steps[max(0, at - MOST_STEPS) : at]):
        if step.opname.startswith(_LOCALS):
            plain = names <= {"wait"} and isinstance(step.argval, str)
            return bool(names & _MAKERS), step.argval if plain else None
        if isinstance(step.argval, str):
            names.add(step.argval)
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            break
    return bool(names & _MAKERS), None


def _used_once(code: CodeType, name: str, parameters: bool) -> bool:
    loads = [step.argval for step in dis.get_instructions(code) if step.opname.startswith((*_LOCALS, "LOAD_CLOSURE"))]
    uses = sum(name == load or (isinstance(load, tuple) and name in load) for load in loads)
    given = name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return uses == 1 and (parameters or not given) and not _is_shared(code, name)


def _is_shared(code: CodeType, name: str) -> bool:
    """Whether the statement that sets a local gives it to something else as well: `answer = answers[key] = …`."""
    steps = list(dis.get_instructions(code))
    lines = {_line(step) for step in steps if step.opname.startswith("STORE_FAST") and step.argval == name}
    return any(step.opname.startswith(_ELSEWHERE) and _line(step) in lines for step in steps)


def _line(step: dis.Instruction) -> int | None:
    return step.positions.lineno if step.positions is not None else None


def _leads_to(thing: Any, target: Any, depth: int) -> bool:
    """Whether a callback has the target in hand: as its object, an argument, or in its closure."""
    if thing is target:
        return True
    if not depth or not issubclass(type(thing), _WAYS):
        return False
    if type(thing) is FunctionType:
        names = thing.__globals__
        parts = [*(thing.__closure__ or ()), *(names.get(name) for name in thing.__code__.co_names)]
    else:
        parts = gc.get_referents(thing)
    return any(_leads_to(part, target, depth - 1) for part in parts)
