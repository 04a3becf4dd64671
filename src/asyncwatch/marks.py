"""`@not_in_async`: marks a function that must not run on a loop's thread.

A function of Python code is returned as it is: no wrapper, no price. While a watcher runs, the interpreter itself tells
it when the function starts (`sys.monitoring`, Python 3.12 and later). On 3.11, for anything callable that is not Python
code, and for `strict=True`, it is a wrapper. Every call on a loop's thread is AW104; `strict=True` raises instead.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar, overload

Function = TypeVar("Function", bound="Callable[..., Any] | classmethod[Any, Any, Any] | staticmethod[Any, Any]")

# inspect.CO_NESTED, CO_GENERATOR, and CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR.
_NESTED, _GENERATOR, _ASYNC = 0x10, 0x20, 0x80 | 0x100 | 0x200


class NotInAsyncError(RuntimeError):
    """A function marked `@not_in_async(strict=True)` was called on the thread of a running loop, and did not run."""


class Mark:
    """What is known of one marked function."""

    __slots__ = ("__weakref__", "_code", "instead", "name")

    def __init__(self, name: str, instead: str, code: CodeType | None) -> None:
        self.name, self.instead = name, instead
        self._code = None if code is None else weakref.ref(code)

    def code(self) -> CodeType | None:
        """The function's code; None if it has none, or is gone."""
        return None if self._code is None else self._code()


# Marked functions by the id of their code, which no unmarked function has; who hears of a new one, and who of a call.
marked: dict[int, Mark] = {}
on_mark: list[Callable[[CodeType], None]] = []
on_call: list[Callable[[Mark, FrameType], None]] = []


@overload
def not_in_async(function: Function, /) -> Function: ...
@overload
def not_in_async(*, strict: bool = False, instead: str = "") -> Callable[[Function], Function]: ...
def not_in_async(function: Any = None, /, *, strict: bool = False, instead: str = "") -> Any:
    """Mark a function, method or generator that must not run on a loop's thread; it keeps its signature.

    Args:
        function: a function, a `classmethod` or `staticmethod` around one, or anything else that can be called.
        strict: raise `NotInAsyncError` instead of running there, whether or not a watcher runs.
        instead: what to call from async code, for the finding and the error.

    Raises:
        TypeError: for an async function, which cannot run anywhere else, for a class, and for what cannot be called.
    """
    if function is None:
        return functools.partial(_mark, strict=strict, instead=instead)
    return _mark(function, strict=strict, instead=instead)


def _mark(function: Any, *, strict: bool, instead: str) -> Any:
    if isinstance(function, classmethod | staticmethod):
        inner = _mark(function.__func__, strict=strict, instead=instead)
        return function if inner is function.__func__ else type(function)(inner)
    _refuse(function)
    if strict:
        return _strict(function, Mark(_name(function), instead, None))
    if type(function) is not FunctionType or not hasattr(sys, "monitoring"):
        return _wrapped(function, Mark(_name(function), instead, getattr(function, "__code__", None)))
    code = function.__code__
    if code.co_flags & _NESTED or id(code) in marked:
        # Functions made by one `def` share its code; a mark is for this one only. Such a function is no longer
        # specialised by the interpreter (4 ns a call), which is why one of a module or class keeps its own.
        code = function.__code__ = code.replace()
    key = id(code)
    mark = marked[key] = Mark(_name(function), instead, code)
    mark._code = weakref.ref(code, lambda _: marked.pop(key, None))
    for tell in tuple(on_mark):
        tell(code)
    return function


def _refuse(function: Any) -> None:
    target = function
    while isinstance(target, functools.partial):
        target = target.func
    code = getattr(getattr(target, "__func__", target), "__code__", None)
    if isinstance(code, CodeType) and code.co_flags & _ASYNC:
        raise TypeError(
            f"not_in_async cannot mark {_name(target)}: an async function runs on a loop and nowhere else; "
            "mark the function in it that blocks"
        )
    if isinstance(function, type):
        raise TypeError(f"not_in_async cannot mark the class {_name(function)}: mark the methods that block")
    if not callable(function):
        raise TypeError(
            f"not_in_async marks functions, not {type(function).__name__} objects: put it below the other decorator"
        )


def _name(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__name__
    return f"{getattr(function, '__module__', None) or 'builtins'}.{name}".replace(".<locals>", "")[:300]


def codes() -> list[CodeType]:
    """The code of every marked function that is still there."""
    found = [mark.code() for mark in list(marked.values())]
    return [code for code in found if code is not None]


def in_async() -> bool:
    """Whether asyncio, or trio if it is there, runs a loop in this thread."""
    events = sys.modules.get("asyncio.events")
    if events is not None and events._get_running_loop() is not None:
        return True
    trio = sys.modules.get("trio.lowlevel")
    running = getattr(trio, "in_trio_run", None)
    return running is not None and bool(running())


def _wrapped(function: Any, mark: Mark) -> Any:
    def check() -> None:
        for tell in tuple(on_call):
            tell(mark, sys._getframe(2))

    return _checked(function, on_call, check)


def _strict(function: Any, mark: Mark) -> Any:
    advice = f"call {mark.instead}" if mark.instead else "await asyncio.to_thread(...) around it"

    def check() -> None:
        if in_async():
            raise NotInAsyncError(f"{mark.name}() must not run on a loop's thread; {advice}")

    return _checked(function, (True,), check)


def _checked(function: Any, asked: Any, check: Callable[[], None]) -> Any:
    """`function` behind a check that is made whenever `asked` is not empty; a generator's when it begins to run."""
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType) and code.co_flags & _GENERATOR:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if asked:
                check()
            return (yield from function(*args, **kwargs))

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if asked:
                check()
            return function(*args, **kwargs)

    return wrapper
