"""The debug profile's start: Python's development mode can only be had from the first instruction on.

So the process replaces itself by the same command with the two variables set: same process id, same parent,
same open files, no child to reap.
"""

from __future__ import annotations

import os
import sys

VARIABLES = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE")

# Holds the process id across the exec, so that a second exec never follows a first that did not help.
_GUARD = "_ASYNCWATCH_EXEC"


def ensure_debug() -> tuple[str, ...]:
    """Make sure the program runs in development mode; does not return when that takes an exec.

    Returns:
        What could not be had, as sentences for the first event; empty when all of it is on.
    """
    again = os.environ.pop(_GUARD, None) == str(os.getpid())
    by_environment = not sys.flags.ignore_environment
    if by_environment:
        for name in VARIABLES:  # child processes inherit them, as if the user had set them
            os.environ[name] = os.environ.get(name) or "1"
    if sys.flags.dev_mode:
        return ()
    reason = "it stayed off after a restart" if again else _exec(by_environment)
    os.environ.pop(_GUARD, None)
    return (f"Python's development mode is off: {reason}",)


def arguments(by_environment: bool) -> list[str]:
    """The interpreter's own arguments for the second start."""
    program, *rest = sys.orig_argv
    # With -E or -I the variables would not be read, and an option says the same.
    return [program, *rest] if by_environment else [program, "-X", "dev", *rest]


def _exec(by_environment: bool) -> str:
    if not sys.executable or not sys.orig_argv:
        return "this interpreter does not know its own command line"
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # what start-up files printed would be lost with this process's memory
    os.environ[_GUARD] = str(os.getpid())
    try:
        os.execv(sys.executable, arguments(by_environment))
    except OSError as error:
        return f"the process could not be restarted ({error.strerror})"
