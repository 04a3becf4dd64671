"""Places in code: raw pairs cheap enough for the loop's thread, and their resolution into file, line, function.

A raw frame is `(code, lasti)`: the code object and the offset of the instruction in it. Nothing of the program is
kept alive by it but the code. Resolution happens in the watcher's thread, when something is said.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import opcode
import os
import re
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Sequence
from types import CodeType

from asyncwatch.paths import Patterns

RawFrame = tuple[CodeType, int]

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep

# Generated code may be named at any length; a line of output may not.
LONGEST = 500
# Programs that make code without end may name each piece anew.
MOST_FILES = 20_000
# Bytes of a source file that is shown from; what is longer was written by a program.
MOST_SOURCE = 1 << 20

# Names of code that has no file but belongs to the program: -c, stdin, notebooks and the REPL.
_TYPED_IN = ("<string>", "<stdin>", "<ipython", "<python-input", "<console>")

# A method that a dataclass was given has no file, but was written by this module and nobody else.
_GENERATOR = os.path.abspath(dataclasses.__file__)


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One place in source: absolute file, line counted from 1, the function's own name."""

    file: str
    line: int
    function: str

    def to_dict(self) -> dict[str, object]:
        return {"file": self.file, "line": self.line, "function": self.function}


# Where a thread stood: as it was looked at, or as a dump of its stack has written it down.
Place = RawFrame | Frame


def resolve(raw: Place) -> Frame:
    """The source line of a raw frame."""
    if isinstance(raw, Frame):
        return raw
    code, lasti = raw
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= lasti < end:
            line = number or line
            break
    file = _GENERATOR if code.co_filename == "<string>" and "__create_fn__" in code.co_qualname else code.co_filename
    return Frame(file[:LONGEST], line, code.co_name[:LONGEST])


def resolve_all(raws: Iterable[Place]) -> tuple[Frame, ...]:
    return tuple(resolve(raw) for raw in raws)


class Scope:
    """Which files are the application's: not the standard library, not site-packages, not asyncwatch.

    `app` names more that are, an installed package for one; `not_app` names some that are not, and wins.
    """

    def __init__(self, app: Sequence[str] = (), not_app: Sequence[str] = ()) -> None:
        self._app, self._not_app = Patterns(app), Patterns(not_app)
        paths = sysconfig.get_paths()
        roots = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")}
        roots |= {os.path.realpath(root) for root in roots}
        # A virtual environment's standard library is the base interpreter's.
        roots.add(os.path.dirname(os.path.realpath(os.__file__)))
        roots.add(os.path.dirname(os.path.abspath(sys.executable or "python")))
        self._roots = (*(root.rstrip(os.sep) + os.sep for root in roots), PACKAGE)
        # Asked directly where a call would be too dear; a file that is not in it has not been looked at.
        self.known: dict[str, bool] = {}

    def is_app(self, filename: str) -> bool:
        """Whether the program's own author wrote this file."""
        try:
            return self.known[filename]
        except KeyError:
            if len(self.known) >= MOST_FILES:
                self.known.clear()
            known = self.known[filename] = self._look(filename)
            return known

    def _look(self, filename: str) -> bool:
        if filename.startswith("<"):
            return filename.startswith(_TYPED_IN)
        if self._not_app.match(filename):
            return False
        if self._app.match(filename):
            return not filename.startswith(PACKAGE)
        if filename.endswith((".pyx", ".pxi", ".pxd")) and not os.path.exists(filename):
            return False  # an extension module's source as it was called where it was built: uvloop's, say
        parts = filename.replace("\\", "/").split("/")
        if "site-packages" in parts or "dist-packages" in parts:
            return False
        try:
            return not os.path.abspath(filename).startswith(self._roots)
        except OSError:
            return True  # a relative name, and the current directory was removed

    def innermost(self, stack: Sequence[Frame]) -> Frame | None:
        """The innermost application frame of a stack that is outermost first, else the innermost one."""
        for frame in reversed(stack):
            if self.is_app(frame.file):
                return frame
        return stack[-1] if stack else None


def plain(text: str) -> str:
    """Text without control characters: a name cannot start a line of its own or paint the terminal."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


# What stands before the parentheses of a call, and can be named in a sentence.
_CALLS = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
_NAME = re.compile(r"([A-Za-z_][\w.]*)\s*$")


def _called(expression: str) -> str | None:
    """The name in front of the last pair of parentheses: `b` of `a(1).b(2)`, `a.b` of `a.b(c(1))`."""
    depth = 0
    for position in range(len(expression) - 1, -1, -1):
        depth += (expression[position] == ")") - (expression[position] == "(")
        if expression[position] == "(" and depth == 0:
            match = _NAME.search(expression[:position])
            return match.group(1) if match else None
    return None


# Python 3.11 calls native functions that it has met often by the first of two instructions, and stands there.
# https://github.com/python/cpython/blob/3.11/Python/ceval.c#L5148 (PRECALL_BUILTIN_FAST_WITH_KEYWORDS)
_CALL = ("CALL", "PRECALL")


def is_call(raw: Place) -> bool:
    """Whether the instruction calls something, and so may be waiting for it; also entering a `with` and iterating."""
    if isinstance(raw, Frame):
        return True  # only native code is ever written down
    code, lasti = raw
    name = opcode.opname[code.co_code[lasti]] if lasti >= 0 else "CALL"
    # Only what never leaves the interpreter loop is surely no call: jumps, returns of a value, the start of a function.
    return not name.startswith(("JUMP", "RESUME", "POP_JUMP", "LOAD_FAST", "STORE_FAST"))


def stands_at_call(raw: Place) -> bool:
    """Whether the instruction is a call: of native code, when no frame lies under it."""
    if isinstance(raw, Frame):
        return False  # nobody knows
    code, lasti = raw
    return lasti >= 0 and opcode.opname[code.co_code[lasti]].startswith(_CALL)


def stands_at_start(raw: Place) -> bool:
    """Whether nothing of the function has run yet: where another thread gets its turn most often."""
    if isinstance(raw, Frame):
        return False
    code, lasti = raw
    return 0 <= lasti < 32 and opcode.opname[code.co_code[lasti]] == "RESUME"


def may_stand_between(raw: Place) -> bool:
    """Whether the interpreter itself answers signals at this instruction; at others only native code does."""
    if isinstance(raw, Frame):
        return True
    code, lasti = raw
    return lasti < 0 or opcode.opname[code.co_code[lasti]].startswith(("JUMP", "POP_JUMP", "RESUME", "SEND"))


def called_at(raw: Place) -> str | None:
    """The name of the function that the instruction calls, as the source line writes it; None where that is unclear."""
    if isinstance(raw, Frame):
        names = _CALLS.findall(source_line(raw.file, raw.line))
        return names[0] if len(names) == 1 else None
    code, lasti = raw
    while lasti > 0 and opcode.opname[code.co_code[lasti]] == "CACHE":
        lasti -= 2  # of a call of Python code Python 3.11 remembers the end
    position = next(itertools.islice(code.co_positions(), lasti // 2, None), None)
    if position is None or not opcode.opname[code.co_code[lasti]].startswith(_CALL):
        return None
    line, end_line, column, end_column = position
    if line is None or column is None or end_column is None or line != end_line:
        return None
    text = source_line(code.co_filename, line).encode()[column:end_column].decode(errors="replace").rstrip()
    return _called(text) if text.endswith(")") else None


@functools.lru_cache(maxsize=16)
def _source(filename: str) -> tuple[str, ...]:
    # Not linecache: that is the program's, and what it remembers shows in the program's tracebacks.
    # And not just any file: code may say that it comes from a device or a FIFO, which would never end.
    try:
        if not os.path.isfile(filename) or os.path.getsize(filename) > MOST_SOURCE:
            return ()
        with tokenize.open(filename) as file:
            return tuple(file)
    except (OSError, SyntaxError, ValueError):  # also names no file can have, and text that is none
        return ()


def source_line(filename: str, line: int) -> str:
    """One line of source without its newline; empty where it cannot be read. Reads files: never on a loop's thread."""
    lines = _source(filename)
    return lines[line - 1].rstrip("\r\n") if 0 < line <= len(lines) else ""
