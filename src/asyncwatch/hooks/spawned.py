"""Children by `multiprocessing`'s spawn and forkserver: a new interpreter that inherits nothing but the environment.

What the parent sends such a child first is a dictionary, of which the child takes what it knows. One more entry is
added: an object whose unpickling begins the watching, with this process's settings. It is a call of the built-in
`exec`, so that a child that cannot import us goes on as if nothing had been sent.
https://github.com/python/cpython/blob/3.13/Lib/multiprocessing/spawn.py (get_preparation_data, _main, prepare)
https://github.com/python/cpython/blob/3.13/Lib/multiprocessing/popen_forkserver.py (_launch)
"""

from __future__ import annotations

import functools
import sys

from asyncwatch.hooks.imports import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:  # a child that only computes comes here, too
    from collections.abc import Callable
    from typing import Any

    from asyncwatch.hooks.bus import Bus
    from asyncwatch.hooks.patch import Patches

PART = "hooks.spawned"
KEY = "asyncwatch"
SOURCE = """\
try:
    from asyncwatch.startup import begin
    begin("spawn", {settings!r})
except Exception:
    pass
"""


class Begin:
    """Unpickled in a child, it begins to watch it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return exec, (SOURCE.format(settings=self.settings), {})


def wrap(
    original: Callable[..., dict[str, Any]], settings: dict[str, Any], works: Callable[[], bool]
) -> Callable[..., dict[str, Any]]:
    """The replacement for `multiprocessing.spawn.get_preparation_data`."""
    begin = Begin(settings)

    @functools.wraps(original)
    def get_preparation_data(*args: Any, **kwargs: Any) -> dict[str, Any]:
        data = original(*args, **kwargs)
        # First: the watching may begin before the program's main module is imported again.
        return {KEY: begin, **data} if works() else data

    return get_preparation_data


def pass_on(settings: dict[str, Any]) -> None:
    """In a spawned child: its children get what it got, even if it never runs a loop itself."""
    spawn = sys.modules.get("multiprocessing.spawn")
    if spawn is not None:
        vars(spawn)["get_preparation_data"] = wrap(vars(spawn)["get_preparation_data"], settings, lambda: True)


class Spawned:
    """Has spawned children watched as this process is."""

    def __init__(self, settings: dict[str, Any], bus: Bus) -> None:
        self._settings, self._bus = settings, bus
        self._waiting: Waiting | None = None

    def install(self, patches: Patches) -> None:
        """Patch `multiprocessing.spawn` when the program imports it."""
        self._waiting = Waiting("multiprocessing.spawn", lambda: self._patch(patches))
        self._waiting.install()

    def uninstall(self) -> None:
        """Wait no more; what was patched is put back with the other patches."""
        if self._waiting is not None:
            self._waiting.remove()

    def _patch(self, patches: Patches) -> None:
        try:
            spawn = sys.modules["multiprocessing.spawn"]
            original = vars(spawn)["get_preparation_data"]
            patches.set(spawn, "get_preparation_data", wrap(original, self._settings, self._works))
        except Exception as error:
            self._bus.fail(PART, error)

    def _works(self) -> bool:
        return self._bus.works(PART)
