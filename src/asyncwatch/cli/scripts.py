"""Console scripts of this interpreter's environment: files in its scripts directories, or entry points."""

from __future__ import annotations

import os
import sys

from asyncwatch.cli.targets import Target
from asyncwatch.config import ConfigError


def find(name: str) -> Target | None:
    """The console script `name`, as the shell would start it; None when there is no Python one."""
    for path in _files(name):
        if _is_python(path):
            folder = None if sys.flags.safe_path else os.path.dirname(os.path.realpath(path))
            return Target("script", path, path, folder)
    return _entry_point(name)


def refuse_foreign(name: str) -> None:
    """Say so when `name` is a command, but none that Python can run.

    Raises:
        ConfigError: in that case.
    """
    for path in _files(name):
        raise ConfigError(f"{path} is not a Python script; name the script or module that it starts")


def _files(name: str) -> list[str]:
    return [path for folder in _folders() if os.path.isfile(path := os.path.join(folder, name))]


def _folders() -> list[str]:
    import sysconfig

    folders = [sysconfig.get_path("scripts")]
    if sys.executable:
        folders.append(os.path.dirname(sys.executable))
    if not sys.flags.no_user_site:
        folders.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    return list(dict.fromkeys(folders))


def _is_python(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            first, second = file.readline(512), file.readline(512)
    except OSError:
        return False
    if not first.startswith(b"#!"):
        return path.endswith((".py", ".pyw"))
    # Installers write the second form where the interpreter's path is too long for a first line.
    return b"python" in first or b"pypy" in first or second.startswith(b"'''exec'")


def _entry_point(name: str) -> Target | None:
    # Where an installation has no such file (Windows' .exe wrappers, `pip install --target`).
    from importlib.metadata import entry_points

    for entry in entry_points(group="console_scripts", name=name):
        return Target("entry-point", f"{entry.module}:{entry.attr}", name, None)
    return None
