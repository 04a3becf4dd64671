"""`asyncwatch tree PID|PATH`: every task of a running process, with what it does and whom it waits for."""

from __future__ import annotations

import json

from asyncwatch.cli.options import Command
from asyncwatch.config import ConfigError

USAGE = "expected: tree PID|PATH [--format console|json]"


def run(command: Command) -> int:
    """Ask the process over its control socket and print the answer.

    Raises:
        ConfigError: there is no such process or socket, or it is another user's.
    """
    from asyncwatch.control.client import ask

    whom, form = _arguments(command)
    tree = ask(whom, "tree")
    if form == "json":
        print(json.dumps(tree, ensure_ascii=False))
    else:
        from asyncwatch.tree_text import render

        print(render(tree))
    return 0


def _arguments(command: Command) -> tuple[int | str, str]:
    form = command.settings.get("format", "auto")
    whom = ""
    words = iter(command.args)
    for word in words:
        flag, given, value = word.partition("=")
        if flag == "--format":
            form = value if given else next(words, "")
        elif word.startswith("-") or whom:
            raise ConfigError(f"tree does not understand {word!r}, {USAGE}")
        else:
            whom = word
    if form not in ("auto", "console", "json"):
        raise ConfigError(f"--format: {form!r} is not valid, {USAGE}")
    if "/" in whom:
        return whom, form
    if not (whom.isascii() and whom.isdigit() and int(whom)):
        from asyncwatch.control.client import others

        raise ConfigError(f"{whom!r} is no process id, {USAGE}" if whom else f"no process id given, {USAGE}{others()}")
    return int(whom), form
