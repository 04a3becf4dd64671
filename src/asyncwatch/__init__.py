"""asyncwatch: start any asyncio program under a watcher that names the line to change.

The public names: `install` and `watch` start a watcher inside a running program, `Watch` is what they return,
`Finding` is what it finds. `not_in_async` marks a function that must not run on a loop's thread, `NotInAsyncError` is
what it raises if told to. Programs that cannot be changed are started with `python -m asyncwatch`.
"""

from __future__ import annotations

# Nothing is imported here: `python -m asyncwatch` gets here with the program's own folder first on the path, and
# whatever the program calls `typing.py` must not be ours.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any

    from asyncwatch.findings import Finding
    from asyncwatch.instrument import Instrument
    from asyncwatch.marks import NotInAsyncError, not_in_async
    from asyncwatch.session import Watch

__version__ = "0.1.0"
__all__ = [
    "Finding",
    "Instrument",
    "NotInAsyncError",
    "Watch",
    "__version__",
    "add_instrument",
    "install",
    "not_in_async",
    "remove_instrument",
    "watch",
]


def install(profile: str = "light", *, instruments: Iterable[object] = (), **options: Any) -> Watch:
    """Begin to watch this process: every loop it runs from now on, and the one that is running.

    Args:
        profile: "light", or "debug", which switches asyncio's debug mode on for loops made from now on.
        instruments: what is called on every loop, see `Instrument`.
        options: the fields of `asyncwatch.config.Config`, durations in seconds; `output=()` says nothing and only
            collects.

    Raises:
        asyncwatch.config.ConfigError: an option cannot be had.
        TypeError: a hook of an instrument is a coroutine function.
    """
    from asyncwatch.config import Config
    from asyncwatch.session import Watch

    started = Watch(Config(profile=profile, **options))
    started.start()
    try:
        for instrument in instruments:
            started.instruments.add(instrument, everywhere=True)
    except BaseException:
        started.uninstall()
        raise
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


def add_instrument(instrument: object) -> None:
    """Begin to call an instrument's hooks; does nothing when they are called already.

    Where a loop runs, they are called for that loop. Where none runs, for every loop of the process.

    Raises:
        RuntimeError: nothing is watched.
        TypeError: a hook is a coroutine function.
    """
    from asyncwatch.hooks import instruments

    instruments.newest().add(instrument)


def remove_instrument(instrument: object) -> None:
    """Call an instrument no more.

    Raises:
        KeyError: it is not there: it was never added, or raised and was removed for that.
        RuntimeError: nothing is watched.
    """
    from asyncwatch.hooks import instruments

    instruments.newest().remove(instrument)


def __getattr__(name: str) -> Any:
    # Imported when asked for, so that `import asyncwatch` costs a program next to nothing.
    if name == "Watch":
        from asyncwatch.session import Watch

        return Watch
    if name == "Instrument":
        from asyncwatch.instrument import Instrument

        return Instrument
    if name == "Finding":
        from asyncwatch.findings import Finding

        return Finding
    if name in ("NotInAsyncError", "not_in_async"):
        from asyncwatch import marks

        return getattr(marks, name)
    raise AttributeError(f"module 'asyncwatch' has no attribute {name!r}")
