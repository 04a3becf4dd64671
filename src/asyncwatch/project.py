"""`[tool.asyncwatch]` of the nearest pyproject.toml: found and read so that no file of any kind can keep us waiting.

The file belongs to whoever wrote the project, who need not be who runs it. So it is read as data only, up to a size,
and the files that it names lie in the project's own directory.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Any

NAME = "pyproject.toml"
# Bytes. The longest one seen in the wild has a tenth of it.
LONGEST = 1 << 20
# A key of many parts, `a.a.a.…`, takes tomllib the square of their number: minutes for one that fills the file.
_ENDLESS = rb"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}"""


def table(start: str | os.PathLike[str]) -> tuple[str, dict[str, Any]]:
    """The nearest pyproject.toml at or above `start`, and its table for us, empty when it has none.

    What is no regular file is passed over, a FIFO or a directory say.

    Raises:
        ValueError: one sentence that begins with the file's name.
    """
    folder = os.path.abspath(start)
    while True:
        path = os.path.join(folder, NAME)
        if os.path.isfile(path):
            return path, _read(path)
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return "", {}


def _read(path: str) -> dict[str, Any]:
    try:
        text = _content(path)
        if b"asyncwatch" not in text:
            return {}  # spares the TOML parser's import in programs that never heard of us
        if re.search(_ENDLESS, text):
            raise ValueError("it has a key of more than 32 parts")
        import tomllib

        tools = tomllib.loads(text.decode()).get("tool", {})
        found = tools.get("asyncwatch", {}) if isinstance(tools, dict) else None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from None
    except RecursionError:
        raise ValueError(f"cannot read {path}: it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: [tool.asyncwatch] is not a table of settings")
    return found


def _content(path: str) -> bytes:
    # It may have become something else since it was looked at; then opening must not wait for another end.
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no regular file")
        if status.st_size > LONGEST:
            raise ValueError(f"it is longer than {LONGEST:,} bytes")
        with open(fd, "rb", closefd=False) as file:
            return file.read(LONGEST)
    finally:
        os.close(fd)


def inside(path: str, project: str) -> str:
    """A file that a project's settings name, in full; relative names count from the project's directory.

    Raises:
        ValueError: it lies elsewhere, links followed, is there and no regular file, or anybody may have named it.
        OSError: the directory cannot be looked at.
    """
    folder = os.path.realpath(os.path.dirname(project))
    if os.stat(folder).st_mode & stat.S_IWOTH:
        raise ValueError(f"no file to be named here, for everybody can write to {folder}")
    full = os.path.realpath(os.path.join(folder, path))
    if os.path.commonpath([folder, full]) != folder or full == folder:
        raise ValueError(f"a file inside {folder}; other places are for the command line or the environment to name")
    if os.path.lexists(full) and not os.path.isfile(full):
        raise ValueError("a regular file")
    return full
