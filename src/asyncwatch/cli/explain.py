"""`asyncwatch explain [CODE]`: the page of a rule, or the table of all rules."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Any

from asyncwatch.cli.options import Command
from asyncwatch.config import ConfigError

# Prose is set to the terminal's width, but to no more than can be read easily. A page's prose is indented by four
# columns; what is indented further, code and tables, stands as it was written.
WIDEST = 100
INDENT = " " * 4
TABLE = " " * 35


def run(command: Command) -> int:
    """Print what was asked for; a rule is found by code or by name.

    Raises:
        ConfigError: for a word that names no rule.
    """
    from asyncwatch.detectors import RULES

    width = min(shutil.get_terminal_size().columns, WIDEST)
    if not command.args:
        for rule in sorted(RULES, key=lambda rule: str(rule.code)):
            row = f"{rule.code}  {rule.name:<28}{_headline(rule)}"
            # In a pipe a rule is one line, for `grep`.
            print(_filled(row, width, rest=TABLE) if sys.stdout.isatty() else row)
        return 0
    pages = [laid_out(_find(word, RULES).page, width) for word in command.args]
    print("\n\n".join(pages))
    return 0


def laid_out(page: str, width: int) -> str:
    """A rule's page with each paragraph of prose filled to `width` columns."""
    found: list[str] = []
    prose: list[str] = []
    for line in [*page.strip().splitlines(), ""]:
        if line.startswith(INDENT) and not line.startswith(INDENT + " "):
            prose.append(line.strip())
            continue
        if prose:
            found.append(_filled(INDENT + " ".join(prose), width, rest=INDENT))
            prose.clear()
        found.append(line if line.startswith(INDENT) else _filled(line, width, rest=INDENT))
    return "\n".join(found).rstrip()


def _filled(text: str, width: int, *, rest: str) -> str:
    """`text` in lines of `width` columns, all but the first indented by `rest`; no word is broken."""
    return textwrap.fill(text, width, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)


def _find(word: str, rules: tuple[Any, ...]) -> Any:
    for rule in rules:
        if word.upper() == rule.code or word.lower() == rule.name:
            return rule
    raise ConfigError(f"no rule {word!r}; `asyncwatch explain` lists them all")


def _headline(rule: Any) -> str:
    """The page's first line, without the code and name that the table has already."""
    first = str(rule.page.strip().partition("\n")[0])
    for lead in (rule.code, rule.name):
        first = first.removeprefix(lead).lstrip(" :,-")
    return first
