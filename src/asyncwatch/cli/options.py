"""Reading the command line: options up to TARGET are ours, everything after it is the program's.

Read by hand rather than by argparse: options end at the first word that is none, nothing may be abbreviated,
and whatever is imported here is imported into the program's process before the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from asyncwatch import __version__, plain
from asyncwatch.config import OPTIONS, ConfigError, Option, parse_option

USAGE = """\
usage: python -m asyncwatch [OPTIONS] TARGET [ARGS...]
       python -m asyncwatch [OPTIONS] -m MODULE [ARGS...]
       python -m asyncwatch [OPTIONS] {verbs}

Start an asyncio program unchanged and report what is wrong with it, with the line to change.
TARGET is a script, a directory or zip file, a package or module, or a console script.

options:
{options}
Each --some-name is also the variable ASYNCWATCH_SOME_NAME and the key some-name of [tool.asyncwatch] in
pyproject.toml; ASYNCWATCH=off|light|debug is the profile. Options beat variables, variables beat the file.
"""

_BY_FLAG = {"--" + option.name: option for option in OPTIONS}


@plain.record
class Command:
    """What the command line says."""

    settings: dict[str, Any]  # by Config's field names, only what was given
    target: str
    module: bool  # TARGET came with -m
    literal: bool  # TARGET came after -m or --, so it is never a subcommand
    args: tuple[str, ...]


def parse(argv: Sequence[str], verbs: Sequence[str]) -> Command:
    """Split `argv` into our options, the target, and the program's own arguments.

    Raises:
        ConfigError: for whatever is not understood.
        SystemExit: after --help and --version.
    """
    words = iter(argv)
    raw: dict[str, list[str]] = {}
    for word in words:
        if word in ("-h", "--help"):
            _show(usage(verbs))
        elif word in ("-V", "--version"):
            _show(f"asyncwatch {__version__}\n")
        elif word == "--":
            return _command(raw, next(words, ""), words, literal=True)
        elif word.startswith("-m"):
            return _command(raw, word[2:] or next(words, ""), words, module=True, literal=True)
        elif word.startswith("--"):
            option, value = _option(word, words)
            raw.setdefault(option.name, []).append(value)
        elif word.startswith("-"):
            _refuse_short(word)
        else:
            return _command(raw, word, words)
    raise ConfigError("no TARGET given, expected a script, module or console script (see --help)")


def _command(
    raw: dict[str, list[str]], target: str, rest: Iterator[str], module: bool = False, literal: bool = False
) -> Command:
    if not target:
        expected = "-m needs a module name" if module else "no TARGET given"
        raise ConfigError(f"{expected} (see --help)")
    settings = {}
    for name, values in raw.items():
        option = _BY_FLAG["--" + name]
        value = values if option.repeatable else values[-1]
        settings[option.field] = parse_option(option, value, "--" + name)
    return Command(settings, target, module, literal, tuple(rest))


def words(command: Command, flags: Sequence[str], usage: str) -> tuple[dict[str, str], list[str]]:
    """A subcommand's own arguments: what these flags were given, and the other words; `-` is one of those.

    Raises:
        ConfigError: for any other flag, and one without its value.
    """
    given: dict[str, str] = {}
    others: list[str] = []
    rest = iter(command.args)
    for word in rest:
        flag, assigned, value = word.partition("=")
        if flag in flags:
            given[flag] = value if assigned else next(rest, "")
            if not given[flag]:
                raise ConfigError(f"{flag} needs a value, {usage}")
        elif word.startswith("-") and word != "-":
            raise ConfigError(f"{command.target} does not understand {word!r}, {usage}")
        else:
            others.append(word)
    return given, others


def _option(word: str, words: Iterator[str]) -> tuple[Option, str]:
    flag, given, value = word.partition("=")
    option = _BY_FLAG.get(flag)
    if option is None:
        raise ConfigError(f"unknown option {flag}{_suggestion(flag)} (see --help)")
    if not given:
        value = next(words, "--")
        if value.startswith("--"):
            raise ConfigError(f"{flag} needs a value, expected {option.metavar}")
    return option, value


def _suggestion(flag: str) -> str:
    import difflib

    close = difflib.get_close_matches(flag, _BY_FLAG, n=1)
    return f", did you mean {close[0]}?" if close else ""


def _refuse_short(word: str) -> NoReturn:
    if word == "-":
        raise ConfigError("a program cannot be read from standard input, expected a file or -m MODULE")
    raise ConfigError(f"unknown option {word} (the interpreter's own stand before -m asyncwatch; see --help)")


def _show(text: str) -> NoReturn:
    print(text, end="")
    raise SystemExit(0)


def usage(verbs: Sequence[str]) -> str:
    """The text of --help."""
    rows = [(f"--{option.name} {option.metavar}", option.help) for option in OPTIONS]
    rows += [("--help, --version", "this text; the version")]
    lines = "".join(f"  {left:<34}{right}\n" for left, right in rows)
    return USAGE.format(verbs=" | ".join(verbs), options=lines)
