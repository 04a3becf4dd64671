"""asyncio's source tracebacks in profile `debug`: written down as numbers, made into text when somebody looks.

In debug mode asyncio takes down for every future, task and handle where it was made, as summaries with file, line and
name, and for those made by its C code with the text of each line; that is most of what the mode costs, and hardly one
of them is ever read. Here each frame is a pair `(code, lasti)`. The whole becomes the `StackSummary` that asyncio would
have made, by the same function, when an entry is first asked for. What asyncio itself does with each of them needs
none: truth, and deletion of the last.

All callers are served. asyncio's Python code calls a function of its own, its C code fetched `traceback.extract_stack`
when it was imported: both functions stay what they are and get another `__code__`. uvloop calls
`StackSummary.extract` with a walk that begins at the frame it is called from.
https://github.com/python/cpython/blob/3.13/Lib/asyncio/format_helpers.py#L70
https://github.com/python/cpython/blob/3.13/Modules/_asynciomodule.c (future_init, traceback_extract_stack)
https://github.com/MagicStack/uvloop/blob/v0.22.1/uvloop/cbhandles.pyx (extract_stack)
"""

from __future__ import annotations

import functools
import itertools
import linecache
import sys
import traceback
from asyncio import format_helpers
from collections.abc import Callable
from types import CodeType, FunctionType, GeneratorType, SimpleNamespace
from typing import Any

from asyncwatch.frames import RawFrame
from asyncwatch.hooks import twins
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.patch import Patches

PART = "hooks.source_tracebacks"

_Write = Callable[[Any, "int | None"], "SourceTraceback"]
# Code of ours outside of which the program knows of nothing: the command's last frame.
_OUTSIDE: list[CodeType] = []
# Lines by key, as in sites.py, with the code that keeps the key true; and the files that `linecache` was told of.
_LINES: dict[int, tuple[CodeType, int | None]] = {}
_FILES: set[str] = set()
MOST_PLACES = 10_000
_EXTRACT: Any = vars(traceback.StackSummary)["extract"].__func__


class SourceTraceback(traceback.StackSummary):
    """A stack summary not looked at yet: its entries are raw frames. With the first look it is a plain one."""

    # No slots of its own: only so can an instance become one of the base class.
    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        """Of one entry alone asyncio makes a text: of the last, whenever a timer is cancelled."""
        raw = list.__getitem__(self, index)
        if type(raw) is tuple and type(index) is int:
            return _entry(*raw)
        resolve(self)
        return list.__getitem__(self, index)


def _looks(name: str) -> Callable[..., Any]:
    def method(self: SourceTraceback, *args: Any, **kwargs: Any) -> Any:
        resolve(self)
        return getattr(traceback.StackSummary, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


# What takes an entry out, compares or adds some. The rest of a list's methods work on raw frames just as well.
_LOOKING = (
    *("__iter__", "__reversed__", "__contains__", "__setitem__", "__repr__", "__reduce_ex__"),
    *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    *("__add__", "__iadd__", "__mul__", "__rmul__", "__imul__"),
    *("append", "copy", "count", "extend", "index", "insert", "pop", "remove", "sort"),
)
for _name in _LOOKING:
    setattr(SourceTraceback, _name, _looks(_name))


def program_below(code: CodeType) -> None:
    """What stands outside of this function's frame is no part of the program."""
    _OUTSIDE[:] = [code]


def resolve(stack: Any) -> None:
    """Make it what asyncio would have made."""
    raws = list(list.__iter__(stack))
    # Another thread may have been faster: then there are no raw frames any more.
    if type(stack) is SourceTraceback and all(type(raw) is tuple for raw in raws):
        summary = _EXTRACT(traceback.StackSummary, map(_walked, raws), limit=len(raws), lookup_lines=False)
        list.__setitem__(stack, slice(None), list(list.__iter__(summary)))
        stack.__class__ = traceback.StackSummary  # type: ignore[assignment]


def _walked(raw: RawFrame) -> tuple[Any, int | None]:
    """A raw frame as `traceback.walk_stack` gives one: something like a frame, and its line."""
    code, lasti = raw
    return SimpleNamespace(f_code=code, f_globals=_globals_of(code), f_locals={}), _line_of(code, lasti)


class _Entry(traceback.FrameSummary):
    """It gives file, line and name, all that asyncio wants, without reading the source, as the original does."""

    __slots__ = ()

    def __getitem__(self, pos: Any) -> Any:
        if type(pos) is int and 0 <= pos <= 2:
            return (self.filename, self.lineno, self.name)[pos]
        return super().__getitem__(pos)


def _entry(code: CodeType, lasti: int) -> traceback.FrameSummary:
    """The entry that `resolve` would make of a raw frame."""
    file = code.co_filename
    if file not in _FILES:
        if len(_FILES) >= MOST_PLACES:
            _FILES.clear()
        _FILES.add(file)
        linecache.lazycache(file, _globals_of(code))
    return _Entry(file, _line_of(code, lasti), code.co_name, lookup_line=False)


def _line_of(code: CodeType, lasti: int) -> int | None:
    found = _LINES.get(id(code) + lasti)
    if found is None:
        line = next((line for start, end, line in code.co_lines() if start <= lasti < end), None)
        if len(_LINES) >= MOST_PLACES:
            _LINES.clear()
        found = _LINES[id(code) + lasti] = code, line
    return found[1]


def _globals_of(code: CodeType) -> dict[str, Any]:
    """What `linecache` wants of a module for a source that is in no file: its name and loader."""
    if code.co_filename in linecache.cache or not code.co_filename.endswith(".py"):
        return {}
    for module in list(sys.modules.values()):
        try:
            found = module.__dict__
            if found.get("__file__") == code.co_filename:
                return {name: found.get(name) for name in ("__name__", "__loader__", "__spec__")}
        except Exception:
            continue  # anything may be in sys.modules
    return {}


class SourceTracebacks:
    """Replaces how asyncio and uvloop take them down."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._before: list[tuple[Any, CodeType, CodeType]] = []

    def install(self, patches: Patches, own: list[CodeType], under: CodeType) -> None:
        """`own` is the code of ours that stands between the program and asyncio, `under` that which calls uvloop's.

        They would not be shown without us.
        """
        write = _writer(*own, *_OUTSIDE[-1:])
        self._lend(format_helpers.extract_stack, _extract_stack.__code__, write)
        self._lend(traceback.extract_stack, _extract_all.__code__, write)
        patches.set(traceback.StackSummary, "extract", classmethod(_extractor(self._bus, write, under)))

    def _lend(self, function: Any, code: CodeType, write: _Write) -> None:
        before = function.__code__
        if function.__closure__ is not None or function.__defaults__ != (None, None) or function.__kwdefaults__:
            return  # somebody else's
        original = FunctionType(before, function.__globals__, function.__name__, function.__defaults__)
        function.__kwdefaults__ = {"_": (write, original, self._bus)}
        function.__code__ = code
        self._before.append((function, before, code))

    def uninstall(self) -> None:
        """The functions get their own code back, if they still have ours."""
        while self._before:
            function, before, ours = self._before.pop()
            if function.__code__ is ours:
                function.__code__, function.__kwdefaults__ = before, None


def _extractor(bus: Bus, write: _Write, under: CodeType) -> Callable[..., Any]:
    getframe = sys._getframe

    def extract(klass: Any, frame_gen: Any, *, lookup_lines: bool = True, **options: Any) -> Any:
        """As the original; uvloop's calls, which nobody's Python code stands between, give raw frames."""
        limit = options.get("limit")
        if lookup_lines or type(frame_gen) is not GeneratorType or type(limit) is not int or len(options) != 1:
            return _EXTRACT(klass, frame_gen, lookup_lines=lookup_lines, **options)
        for walked in frame_gen:
            if walked[0] is getframe(1) and klass is traceback.StackSummary and bus.open:
                frame = walked[0]
                found = write(frame.f_back if frame.f_code is under else frame, limit)
                found.reverse()  # the caller does that once more
                return found
            frame_gen = itertools.chain((walked,), frame_gen)
            break
        return _EXTRACT(klass, frame_gen, lookup_lines=lookup_lines, **options)

    return extract


def _writer(*hidden: CodeType) -> _Write:
    own, other, outside = (*hidden, None, None, None)[:3]
    if twins.COMPILED is not None:
        return functools.partial(twins.COMPILED.write_stack, SourceTraceback, own, other, outside)
    repeat, summary = itertools.repeat, SourceTraceback

    def write(frame: Any, limit: int | None) -> SourceTraceback:
        """The raw frames from here outwards, outermost first. Every future of the program pays for every line of it."""
        found: list[Any] = []
        try:
            for _ in repeat(None) if limit is None else repeat(None, limit):
                code = frame.f_code
                if code is own or code is other:
                    frame = frame.f_back
                    code = frame.f_code
                if code is outside:
                    break
                found.append((code, frame.f_lasti))
                frame = frame.f_back
        except AttributeError:
            pass  # that was the outermost
        found.reverse()
        return summary(found)

    return write


# The two below run in the place of other modules' functions, with the names of those: they know nothing else of ours.


def _extract_stack(f: Any = None, limit: Any = None, *, _: Any = None) -> Any:
    if limit is not None or not _[2].open:
        return _[1](f if f is not None else sys._getframe().f_back, limit)
    return _[0](f if f is not None else sys._getframe().f_back, constants.DEBUG_STACK_DEPTH)  # type: ignore[name-defined]  # noqa: F821


def _extract_all(f: Any = None, limit: Any = None, *, _: Any = None) -> Any:
    if f is not None or limit is not None or not _[2].open or hasattr(sys, "tracebacklimit"):
        return _[1](f if f is not None else sys._getframe().f_back, limit)
    return _[0](sys._getframe().f_back, None)
