"""Names of files: as the program would write them, as an editor opens them, and the patterns that users give."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
import sys
from collections.abc import Sequence


@functools.lru_cache(maxsize=4096)
def short_path(filename: str) -> str:
    """A file's name as its program would write it: relative to the import path that holds it.

    Remembered, so that a fingerprint stays what it is when the program changes its directory or `sys.path`.
    """
    best = ""
    for entry in ["", *sys.path]:
        try:
            root = os.path.abspath(entry).rstrip(os.sep) + os.sep
        except (OSError, TypeError, ValueError):
            continue  # the current directory was removed, or it is no path at all
        if filename.startswith(root) and len(root) > len(best):
            best = root
    return filename[len(best) :].replace(os.sep, "/")


def editor_path(filename: str) -> str:
    """A file's name as an editor started here opens it: relative to the current directory if it lies below it."""
    try:
        root = os.getcwd().rstrip(os.sep) + os.sep
    except OSError:
        return filename
    return filename.removeprefix(root)


class Patterns:
    """Files by name. `shop.legacy` is a package or module; what has a `/`, a wildcard or ends with .py is a path.

    In a path `*` stands for anything, `/` too, and a path that does not begin with `/` may begin at any directory:
    `shop/legacy/*` is all below `/srv/shop/legacy`.
    """

    def __init__(self, words: Sequence[str]) -> None:
        globs = [word for word in words if re.search(r"[/*?\[]|\.py$", word)]
        self._globs = tuple(re.compile(fnmatch.translate(glob)).match for word in globs for glob in _anchored(word))
        self._modules = tuple(word.replace(".", "/") for word in words if word not in globs)

    def match(self, filename: str) -> bool:
        """Whether one of them names this file."""
        if not self._globs and not self._modules:
            return False
        short = short_path(filename)
        name = filename.replace(os.sep, "/")
        if any(match(name) or match(short) for match in self._globs):
            return True
        stem = short.partition(".")[0]
        return any(stem == module or short.startswith(module + "/") for module in self._modules)


def _anchored(word: str) -> tuple[str, ...]:
    return (word,) if word.startswith("/") else (word, "*/" + word)
