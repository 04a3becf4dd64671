"""Which program is meant: a word becomes a script, a module, a directory or zip file, or a console script."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, Literal

from asyncwatch import plain
from asyncwatch.config import ConfigError

Kind = Literal["script", "module", "directory", "entry-point"]


@plain.record
class Target:
    """A program that exists, and what bare Python would make of its name."""

    kind: Kind
    name: str  # a path as typed, or a module's name; `package.module:function` for an entry point
    argv0: str
    path0: str | None  # what stands in sys.path[0]; None where nothing is inserted


def module(name: str) -> Target:
    """What `python -m NAME` starts.

    Raises:
        ConfigError: when its top-level name cannot be found; the rest is only known by importing it.
    """
    top = name.partition(".")[0]
    if top and not name.startswith(".") and _find(top) is None and _in_cwd(top) is None:
        raise ConfigError(f"No module named {top}; install it, or start from the directory it is in")
    return Target("module", name, "-m", None if sys.flags.safe_path else _cwd())


def resolve(word: str) -> Target:
    """What a bare TARGET means: a path first, then a module here, a console script, any module.

    Raises:
        ConfigError: when it is none of these, with the next step.
    """
    by_path = os.sep in word or (os.altsep is not None and os.altsep in word)
    found = _path(word) if by_path else _named_path(word) or _named(word)
    if found is None:
        raise ConfigError(_nothing(word))
    return found


def _path(word: str) -> Target | None:
    if os.path.isdir(word) or os.path.isfile(word):
        finder = _finder(word)
        if finder is not None and finder.find_spec("__main__") is not None:
            return Target("directory", _absolute(word), word, _absolute(word))
    if os.path.isdir(word) or not os.path.exists(word):
        return None
    folder = None if sys.flags.safe_path else os.path.dirname(os.path.realpath(word))
    return Target("script", word, word, folder)


def _named_path(word: str) -> Target | None:
    if os.path.isfile(os.path.join(word, "__init__.py")) and not sys.flags.safe_path:
        return module(word)
    return _path(word)


def _named(word: str) -> Target | None:
    if word.endswith((".py", ".pyc", ".pyz")):
        return None  # a file that is not there; a module "app" with an attribute "py" is not what was meant
    top = word.partition(".")[0]
    if not sys.flags.safe_path and _runnable(_in_cwd(top), word):
        return module(word)
    from asyncwatch.cli import scripts

    found = scripts.find(word)
    if found is None and _runnable(_find(top), word):
        return module(word)
    if found is None:
        scripts.refuse_foreign(word)
    return found


def _runnable(spec: ModuleSpec | None, word: str) -> bool:
    # A directory without __init__.py is a namespace package: nothing to run, but a way to what is inside.
    return spec is not None and (spec.origin is not None or "." in word)


def _in_cwd(top: str) -> ModuleSpec | None:
    cwd = _cwd()
    return None if cwd is None or sys.flags.safe_path else PathFinder.find_spec(top, [cwd])


def _find(top: str) -> ModuleSpec | None:
    import importlib.util

    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None


def _finder(path: str) -> Any:
    """Whatever imports from this path (a directory, a zip file); the interpreter asks in the same way."""
    for hook in sys.path_hooks:
        try:
            return hook(path)
        except ImportError:
            pass
    return None


def _absolute(path: str) -> str:
    # As the interpreter does it: joined, not normalised.
    return path if os.path.isabs(path) else os.path.join(_cwd() or "", path)


def _cwd() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _nothing(word: str) -> str:
    if os.path.isdir(word):
        return f"directory {word!r} has no __main__.py; name the script in it, or use -m MODULE"
    if os.sep in word or word.endswith((".py", ".pyc", ".pyz")):
        return f"can't open {word!r}: no such file"
    return f"cannot find {word!r}: no such file, module or console script here (-m MODULE takes modules only)"
