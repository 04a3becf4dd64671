"""Starting where the command is not ours: `import asyncwatch.auto`, the start-up hook, a spawned child.

Nothing happens before the program imports asyncio: a program that never does imports nothing of ours but this, has no
thread of ours and prints nothing. However many of the ways meet in a process, it is watched once: the command goes
before all others, a parent's settings go before the environment.
"""

from __future__ import annotations

import os
import sys

from asyncwatch.hooks.imports import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from asyncwatch.config import Config
    from asyncwatch.session import Watch

OFF = ("", "0", "off")
NO_DEV_MODE = (
    "Python's development mode is off: it can only be had from the first instruction on, with PYTHONDEVMODE=1 or the "
    "command python -m asyncwatch"
)


class _Process:
    """What has begun in this process."""

    by = ""
    waiting: Waiting | None = None
    watch: Watch | None = None


def begin(by: str, settings: dict[str, Any] | None = None) -> None:
    """Watch this process from the moment when it has asyncio. Never raises; does nothing the second time.

    Args:
        by: "auto", "hook" or "spawn".
        settings: those of the parent; None takes them from the environment, and nothing happens where ASYNCWATCH is
            unset or off.
    """
    if settings is None and is_off():
        return
    if "asyncwatch.cli.main" in sys.modules or not _is_free(settings):
        return
    give_way()
    if settings is not None:
        _pass_on(settings)
    folder = _here() if by == "auto" else None
    _Process.by = by
    _Process.waiting = Waiting("asyncio", lambda: _start(by, settings, folder))
    _Process.waiting.install()


def _pass_on(settings: dict[str, Any]) -> None:
    try:
        from asyncwatch.hooks import spawned

        spawned.pass_on(settings)
    except Exception as error:
        _complain(f"cannot pass on to children ({type(error).__name__}: {error})")


def is_off() -> bool:
    """Whether the variable ASYNCWATCH asks for nothing."""
    return os.environ.get("ASYNCWATCH", "").strip().lower() in OFF


def _is_free(settings: dict[str, Any] | None) -> bool:
    waiting = _Process.waiting
    return not _Process.by or (settings is not None and waiting is not None and waiting.waits)


def give_way() -> None:
    """The command, or a parent's settings, come after the hook: what it began is undone, without a word."""
    if _Process.waiting is not None:
        _Process.waiting.remove()
    if _Process.watch is not None:
        _Process.watch.uninstall()
    _Process.by, _Process.waiting, _Process.watch = "", None, None


def _here() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _start(by: str, settings: dict[str, Any] | None, folder: str | None) -> None:
    from asyncwatch.config import ConfigError

    try:
        config = _config(settings, folder)
        if config.profile == "off":
            return
        if config.loop == "uvloop":
            from asyncwatch.hooks import loop_choice

            loop_choice.choose(config.loop)
        from asyncwatch.session import Watch

        limits = (NO_DEV_MODE,) if config.profile == "debug" and not sys.flags.dev_mode else ()
        watch = Watch(config, limits, by)
        watch.start()
        _Process.watch = watch
    except ConfigError as error:
        _complain(f"{error}; the program runs unwatched")
    except Exception as error:
        _complain(f"cannot watch ({type(error).__name__}: {error}); the program runs unwatched")


def _config(settings: dict[str, Any] | None, folder: str | None) -> Config:
    """A hook starts wherever this Python does, so no file of the current directory steers it."""
    from asyncwatch import config as configuration

    if settings is not None:
        return configuration.from_parent(settings)
    found = configuration.from_pyproject(folder) if folder is not None else {}
    return configuration.Config(**{**found, **configuration.from_environment(os.environ)})


def _complain(text: str) -> None:
    try:
        if sys.stderr is not None:
            text = "".join(char if char.isprintable() else "?" for char in " ".join(text[:2000].splitlines()))
            sys.stderr.write(f"asyncwatch: {text}\n")
            sys.stderr.flush()
    except Exception:
        pass
