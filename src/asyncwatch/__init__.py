"""asyncwatch: start any asyncio program under a watcher that names the line to change.

The public names: `install` and `watch` start a watcher inside a running program, `Watch` is what they return,
`Finding` is what it finds. Programs that cannot be changed are started with `python -m asyncwatch`.
"""

from __future__ import annotations

# Nothing is imported here: `python -m asyncwatch` gets here with the program's own folder first on the path, and
# whatever the program calls `typing.py` must not be ours.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from asyncwatch.findings import Finding
    from asyncwatch.session import Watch

__version__ = "0.1.0"
__all__ = ["Finding", "Watch", "__version__", "install", "watch"]


def install(profile: str = "light", **options: Any) -> Watch:
    """Begin to watch this process: every loop it runs from now on, and the one that is running.

    Args:
        profile: "light", or "debug", which switches asyncio's debug mode on for loops made from now on.
        options: the fields of `asyncwatch.config.Config`, durations in seconds; `output=()` says nothing and only
            collects.

    Raises:
        asyncwatch.config.ConfigError: an option cannot be had.
    """
    from asyncwatch.config import Config
    from asyncwatch.session import Watch

    started = Watch(Config(profile=profile, **options))
    started.start()
    return started


class watch:
    """`install` for the length of a `with` block; the interpreter is left as it was found."""

    def __init__(self, profile: str = "light", **options: Any) -> None:
        self._profile, self._options = profile, options

    def __enter__(self) -> Watch:
        self._watch = install(self._profile, **self._options)
        return self._watch

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watch.uninstall()


def __getattr__(name: str) -> Any:
    # Imported when asked for, so that `import asyncwatch` costs a program next to nothing.
    if name == "Watch":
        from asyncwatch.session import Watch

        return Watch
    if name == "Finding":
        from asyncwatch.findings import Finding

        return Finding
    raise AttributeError(f"module 'asyncwatch' has no attribute {name!r}")
