"""`asyncwatch explain [CODE]`: the page of a rule, or the table of all rules."""

from __future__ import annotations

from typing import Any

from asyncwatch.cli.options import Command
from asyncwatch.config import ConfigError


def run(command: Command) -> int:
    """Print what was asked for; a rule is found by code or by name.

    Raises:
        ConfigError: for a word that names no rule.
    """
    from asyncwatch.detectors import RULES

    if not command.args:
        for rule in sorted(RULES, key=lambda rule: str(rule.code)):
            print(f"{rule.code}  {rule.name:<28}{_headline(rule)}")
        return 0
    pages = [_find(word, RULES).page.strip() for word in command.args]
    print("\n\n".join(pages))
    return 0


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
