"""fork: our thread is gone before it and back after it, in parent and child.

From 3.12 on the interpreter warns of a fork in a process with several threads; a thread of ours must not be the
reason. `os.register_at_fork` cannot be undone, so what is registered asks each time who is watching.
https://docs.python.org/3/library/os.html#os.fork
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """What has a thread to stop and start again."""

    def before_fork(self) -> None: ...
    def after_fork_in_parent(self) -> None: ...
    def after_fork_in_child(self) -> None: ...


_watching: weakref.WeakSet[Forkable] = weakref.WeakSet()
_registered = False


def watch(target: Forkable) -> None:
    """Have `target` told of every fork from now on."""
    global _registered
    _watching.add(target)
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        os.register_at_fork(
            before=lambda: _tell("before_fork"),
            after_in_parent=lambda: _tell("after_fork_in_parent"),
            after_in_child=lambda: _tell("after_fork_in_child"),
        )


def forget(target: Forkable) -> None:
    _watching.discard(target)


def _tell(what: str) -> None:
    for target in list(_watching):
        getattr(target, what)()
