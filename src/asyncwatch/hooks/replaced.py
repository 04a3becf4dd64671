"""Blocking calls without `sys.monitoring`, as on Python 3.11: functions replaced where they are attributes.

Only those of modules and of Python classes, and of these only such as nobody compares by identity (the standard
library looks for `os.stat` in `os.supports_fd`). An exception leaves the function without a frame of ours.
"""

from __future__ import annotations

import functools
import sys
from asyncio import _get_running_loop
from collections.abc import Callable
from typing import Any

from asyncwatch import env
from asyncwatch.blocking_calls import NATIVE, PYTHON, Call
from asyncwatch.hooks.calls import Calls
from asyncwatch.hooks.patch import Patches


def replace_all(patches: Patches, calls: Calls) -> None:
    """Replace what the table allows to be replaced."""
    for call in (*NATIVE, *PYTHON):
        parts = call.name.split(".")
        owner: Any = sys.modules.get(parts[0])
        for part in parts[1:-1]:
            owner = getattr(owner, part, None)
        original = getattr(owner, parts[-1], None)
        if env.SLEEP_IS_AUDITED and call.name == "time.sleep":
            continue
        if call.replace and original is not None:
            patches.set(owner, parts[-1], replacement(original, call, calls))


def replacement(original: Callable[..., Any], call: Call, calls: Calls) -> Callable[..., Any]:
    """A function that says it is called, if it is on a loop's thread, and calls the original."""
    code = getattr(original, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code is not None else ()

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        if _get_running_loop() is not None:
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            given.update((str(number), argument) for number, argument in enumerate(args))
            calls.blocked(call, args[0] if args else None, sys._getframe(1), given)
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next
            raise

    return function
