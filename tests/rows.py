"""A small program that is a row of a table: what it is called, what it needs, whether a Python can run it.

It needs nothing but the standard library, for the tables of scripts/ use it, too.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Program:
    """A file whose docstring's first line is its title; `# needs: 3.12` and `# needs module: x` say what it needs."""

    path: Path
    title: str
    needs: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    def why_not(self, version: tuple[int, int], modules: Collection[str]) -> str:
        """Why a Python of this version with these modules cannot run it; empty when it can."""
        for need in self.needs:
            if need.startswith("module: "):
                if need.removeprefix("module: ") not in modules:
                    return f"needs {need.removeprefix('module: ')}"
            elif version < tuple(map(int, need.split("."))):
                return f"needs Python {need}"
        return ""


def header(path: Path) -> tuple[Path, str, tuple[str, ...]]:
    """What `Program` is made of."""
    text = path.read_text()
    title = text.split('"""')[1].splitlines()[0].rstrip(".")
    return path, title, tuple(re.findall(r"^# needs:? (.+)$", text, re.M))
