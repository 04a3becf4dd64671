"""`asyncwatch tree PID`: every task of a running process, with what it does and whom it waits for."""

from __future__ import annotations

import json

from asyncwatch.cli.options import Command
from asyncwatch.config import ConfigError

USAGE = "expected: tree PID [--format console|json]"


def run(command: Command) -> int:
    """Ask the process over its control socket and print the answer.

    Raises:
        ConfigError: there is no such process, it has no control socket or is another user's.
    """
    from asyncwatch.control.client import ask

    pid, form = _arguments(command)
    tree = ask(pid, "tree")
    if form == "json":
        print(json.dumps(tree, ensure_ascii=False))
    else:
        from asyncwatch.tree_text import render

        print(render(tree))
    return 0


def _arguments(command: Command) -> tuple[int, str]:
    form = command.settings.get("format", "auto")
    pid = ""
    words = iter(command.args)
    for word in words:
        flag, given, value = word.partition("=")
        if flag == "--format":
            form = value if given else next(words, "")
        elif word.startswith("-") or pid:
            raise ConfigError(f"tree does not understand {word!r}, {USAGE}")
        else:
            pid = word
    if form not in ("auto", "console", "json"):
        raise ConfigError(f"--format: {form!r} is not valid, {USAGE}")
    if not (pid.isascii() and pid.isdigit() and int(pid)):
        raise ConfigError(f"{pid!r} is no process id, {USAGE}" if pid else f"no process id given, {USAGE}")
    return int(pid), form
