"""Where a blocking call is nobody's fault: imports, asyncio itself, logging, and what the user allows."""

from __future__ import annotations

import fnmatch
import logging
import os
import re
import threading
from collections.abc import Iterable, Sequence
from types import CodeType

from asyncwatch.frames import PACKAGE, RawFrame, Scope
from asyncwatch.hooks.stacks import ASYNCIO

# Whose file a function is from.
APP, LIBRARY, STANDARD, QUIET = "app", "library", "standard", "quiet"

_LIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
# What these read and write is the interpreter's or the loop's business, or a log line's. With a slash at the end: all
# that lies below.
_QUIET_FILES = (
    ASYNCIO,
    PACKAGE,  # a fork waits for threads of ours
    os.path.dirname(os.path.abspath(logging.__file__)) + os.sep,
    *(_LIB + name for name in ("linecache.py", "traceback.py", "warnings.py", "bdb.py", "pdb.py")),
    os.path.join(_LIB, "importlib") + os.sep,
    "<frozen linecache",
    "<frozen zipimport",
    "<frozen importlib",
)
# Tools that run inside the program.
_QUIET_PACKAGES = ("coverage", "_pytest", "pydevd", "debugpy", "_pydevd_bundle", "blockbuster", "aiocop")
# Waiting until a thread has begun is over at once. A pool that is shut down waits for threads that are idle as a rule.
_QUIET_FUNCTIONS = frozenset({threading.Thread.start.__code__})
_SHUTDOWN = os.path.join(_LIB, "concurrent", "futures", "thread.py")


def is_quiet(code: CodeType) -> bool:
    return code in _QUIET_FUNCTIONS or (code.co_name == "shutdown" and code.co_filename == _SHUTDOWN)


def is_import(frames: Iterable[RawFrame]) -> bool:
    """Whether any of these frames imports a module: what the module does meanwhile happens once."""
    return any(code.co_filename.startswith("<frozen importlib") for code, _ in frames)


class Places:
    """Whose a file is, remembered by its name."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._known: dict[str, str] = {}

    def whose(self, file: str) -> str:
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = self._look(file)
        return known

    def _look(self, file: str) -> str:
        if file.startswith(_QUIET_FILES):
            return QUIET
        parts = file.replace("\\", "/").split("/")
        for folder in ("site-packages", "dist-packages"):
            if folder in parts:
                package = parts[parts.index(folder) + 1].removesuffix(".py")
                return QUIET if package in _QUIET_PACKAGES else LIBRARY
        if self._scope.is_app(file):
            return APP
        return STANDARD


class Allowed:
    """The user's rules, `CALL` or `CALL:PLACE`, both with the wildcards of the shell.

    A place with a slash is matched with the file of each frame from the call to the task, and with the path that the
    call is about; one without is a module, or a function or class in it, of any of these frames.
    """

    def __init__(self, rules: Sequence[str]) -> None:
        self._rules: list[tuple[re.Pattern[str], str, re.Pattern[str] | None]] = []
        for rule in rules:
            call, _, place = rule.partition(":")
            kind = "file" if "/" in place or os.sep in place or place.endswith(".py") else "name"
            self._rules.append((_pattern(call), kind, _pattern(place) if place else None))

    def __bool__(self) -> bool:
        return bool(self._rules)

    def allows(self, call: str, frames: Sequence[tuple[CodeType, str]], path: str | None) -> bool:
        """Whether a rule covers this call; `frames` are code and module name, in any order."""
        for wanted, kind, place in self._rules:
            if not wanted.fullmatch(call):
                continue
            if place is None:
                return True
            if kind == "file":
                names = [code.co_filename.replace("\\", "/") for code, _ in frames] + ([path] if path else [])
            else:
                names = [name for code, module in frames for name in _names(code, module)]
            if any(place.fullmatch(name) for name in names):
                return True
        return False


def _names(code: CodeType, module: str) -> list[str]:
    """The module, and every dotted name from it down to the function."""
    found = [module]
    for part in code.co_qualname.replace(".<locals>", "").split("."):
        found.append(f"{found[-1]}.{part}")
    return found


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(text))
