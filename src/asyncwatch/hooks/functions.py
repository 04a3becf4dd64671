"""The functions of the program, found in its modules: which code runs under which names.

Read by the thread that judges, never on a loop's. Only functions, classes and what wraps a function are looked at; of
everything else the type is all that is asked, so no object of the program lives longer for it.
"""

from __future__ import annotations

import functools
import gc
import itertools
import sys
import weakref
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from asyncwatch.frames import Scope
from asyncwatch.hooks.bytecode import inner_codes
from asyncwatch.hooks.tables import items_of

# Of a program larger than that it is not known whether a call stands somewhere else, too.
MOST_FUNCTIONS = 30_000
# A list of functions this old, in seconds, is made again; one that lacks what is asked for sooner. But in between must
# pass so many times as long as it took to make.
KEPT = 30.0
LACKING = 0.1
AFFORDED = 50.0
_DEEPEST = 4
_WRAPPERS: tuple[type, ...] = (staticmethod, classmethod, property, functools.partial, functools.cached_property)
_WRAPPERS += (type(functools.lru_cache(id)),)
_NAMESPACE: Any = type.__dict__["__dict__"]
_MRO: Any = type.__dict__["__mro__"]


class Functions:
    """All functions of the program that its modules and classes lead to.

    `codes` has each function's code with the names it goes by, `names` those of one function by its own name and code,
    for decorators make many of one code; `closures` the functions that a function has in its closure, as it names them;
    `wrapped` what `functools.wraps` was told, by the name and the code of the wrapper; `homes` each one's module.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._seen: set[int] = set()
        self.complete = True
        self.codes: dict[CodeType, set[str]] = {}
        self.names: dict[tuple[str, CodeType], set[str]] = {}
        self.closures: dict[CodeType, dict[str, CodeType]] = {}
        self.wrapped: dict[tuple[str, CodeType], CodeType] = {}
        self.modules: set[str] = set()
        self.homes: dict[CodeType, str] = {}
        self._found: dict[tuple[str, CodeType], tuple[weakref.ref[FunctionType], int]] = {}
        for name, module in items_of(sys.modules):
            if type(module) is ModuleType and self._is_app(name, module):
                self.modules.add(name)
        for module in {id(sys.modules[name]): sys.modules[name] for name in self.modules}.values():
            self._namespace(module.__dict__, 0)

    def is_app_code(self, code: CodeType) -> bool:
        """Whether the program's own author wrote this function."""
        return self._scope.is_app(code.co_filename)

    def is_used_elsewhere(self, qualname: str, code: CodeType) -> bool:
        """Whether something that was not looked at refers to this function: a table, a registry, a framework."""
        if "<locals>" in qualname:
            return False  # nobody can say, and nobody else knows its name
        ref, found = self._found.get((qualname, code), (None, 0))
        return ref is None or _references(ref) - _OURS > found

    def stands_for_another(self, name: str, code: CodeType, wanted: CodeType) -> bool:
        """Whether this global name, used in this function, is a function that does not lead to the one wanted."""
        module = sys.modules.get(self.homes.get(code, ""))
        value = module.__dict__.get(name) if type(module) is ModuleType else None
        if type(value) is not FunctionType or value.__code__ is wanted:
            return False
        return wanted not in self.closures.get(value.__code__, {}).values()

    def _is_app(self, name: str, module: ModuleType) -> bool:
        file = module.__dict__.get("__file__")
        return name == "__main__" or (isinstance(file, str) and self._scope.is_app(file))

    def _namespace(self, names: Any, depth: int) -> None:
        for name, kind in _kinds(names):
            if kind is FunctionType or kind in _WRAPPERS or issubclass(kind, type) or _is_callable(kind):
                self._add(names.get(name), name, depth)

    def _add(self, thing: Any, name: str, depth: int) -> None:
        if type(thing) is not FunctionType:
            if id(thing) in self._seen:
                return
            self._seen.add(id(thing))
        if len(self._seen) + len(self._found) > MOST_FUNCTIONS:
            self.complete = False
        elif type(thing) is FunctionType:
            self._function(thing, name, depth)
        elif depth < _DEEPEST and issubclass(type(thing), type):
            module = type.__getattribute__(thing, "__module__")
            if isinstance(module, str) and module in self.modules:
                self._namespace(_NAMESPACE.__get__(thing), depth + 1)
        elif depth < _DEEPEST:
            for part in _functions_in(thing):
                self._add(part, name, depth + 1)

    def _function(self, function: FunctionType, name: str, depth: int) -> None:
        """Note a function, and those that a decorator hid in it; of a library's it is only the names that count."""
        code = function.__code__
        own = (name, function.__name__)
        key = (function.__qualname__, code)
        ref, times = self._found.get(key, (None, 0))
        again = ref is not None and ref() is function
        self._found[key] = (weakref.ref(function), times + 1 if again else 1)
        self.names.setdefault(key, set()).update(own)
        if again:
            self.codes.get(code, set()).update(own)
            return
        cells = zip(code.co_freevars, function.__closure__ or (), strict=False)
        closed = [(free, cell.cell_contents) for free, cell in cells if _is_function_cell(cell)]
        wrapped = function.__dict__.get("__wrapped__")
        if type(wrapped) is FunctionType:
            self.wrapped[key] = wrapped.__code__
            closed.append(("__wrapped__", wrapped))
        self.closures.setdefault(code, {}).update((free, inner.__code__) for free, inner in closed)
        if self.is_app_code(code):
            home = function.__globals__.get("__name__")
            self.homes[code] = home if type(home) is str else ""
            if code not in self.codes:
                for inner in inner_codes(code):
                    self.codes.setdefault(inner, set()).add(inner.co_name)
                    self.homes[inner] = self.homes[code]
            self.codes.setdefault(code, set()).update((*own, code.co_name))
        for _, part in closed if depth < _DEEPEST else ():
            self._add(part, part.__name__, depth + 1)


def _references(ref: weakref.ref[FunctionType]) -> int:
    function = ref()
    return sys.getrefcount(function) if function is not None else MOST_FUNCTIONS


# How many of them are ours while we ask: from 3.14 on an argument may be borrowed. Asked of one that has one holder.
_ONE: dict[str, Any] = {"held": lambda: None}
_OURS = _references(weakref.ref(_ONE["held"])) - 1


def _kinds(names: Any) -> list[tuple[str, type]]:
    """The names of a namespace with the types of their values, which are not held."""
    try:
        pairs = list(zip(names.keys(), map(type, names.values()), strict=False))
    except RuntimeError:  # it was changed meanwhile
        return []
    return [pair for pair in pairs if type(pair[0]) is str]


def _is_callable(kind: type) -> bool:
    """Whether instances can be called by a method in Python: what a framework's decorator makes of a function."""
    return any(type(_NAMESPACE.__get__(one).get("__call__")) is FunctionType for one in _MRO.__get__(kind))


def _is_function_cell(cell: Any) -> bool:
    try:
        return type(cell.cell_contents) is FunctionType
    except ValueError:
        return False


def _functions_in(thing: Any) -> Iterator[FunctionType]:
    """The functions that an object refers to itself or by its attributes."""
    parts = gc.get_referents(thing)
    attributes = (part.values() for part in parts if type(part) is dict and len(part) < 100)
    for part in (*parts, *itertools.chain.from_iterable(attributes)):
        if type(part) is FunctionType:
            yield part
        elif type(getattr(part, "__func__", None) if type(part) in _WRAPPERS else None) is FunctionType:
            yield part.__func__


class Book:
    """The functions as they were found a little while ago."""

    def __init__(self, scope: Scope, now: Callable[[], float]) -> None:
        self._scope = scope
        self._now = now
        self._made_at = self._took = 0.0
        self._functions: Functions | None = None

    def functions(self, *known: CodeType) -> Functions:
        """All functions; looked for again when that is long ago, or one of these codes was not among them."""
        now = self._now()
        found = self._functions
        lacking = found is not None and any(code not in found.codes for code in known)
        if found is None or now - self._made_at > max(LACKING if lacking else KEPT, AFFORDED * self._took):
            found = self._functions = Functions(self._scope)
            self._made_at = self._now()
            self._took = self._made_at - now
        return found
