"""Who this process is: among the many that a server starts, each says it in its first line."""

from __future__ import annotations

import os
import sys
from typing import Any


def facts(by: str, forked: bool) -> dict[str, Any]:
    """What the first line says of the process: its versions, its parent, how the watching came to it, its name.

    Args:
        by: "command", "auto", "hook", "spawn" or "install".
        forked: whether this process was forked from one that was watched.
    """
    found = {
        "python": sys.version.split()[0],
        "asyncwatch": sys.modules["asyncwatch"].__version__,
        "ppid": os.getppid(),
        "started_by": "fork" if forked else by,
    }
    name = worker()
    return {**found, "worker": name} if name else found


def worker() -> str:
    """The name that multiprocessing gave this process; empty where it gave none."""
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None:
        return ""
    return str(process.current_process().name)
